# shellcheck shell=bash
# Shared by demo and check: progress lines, packages and the build. Sourced, from the project root.

stage() { echo "==> $*" >&2; }
fail() { echo "error: $*" >&2; exit 1; }

is_installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

# Run a command with its output in a file. On a terminal its latest line stands behind
# LABEL; elsewhere LABEL stands alone. When it fails, the end of the output is shown.
run_quietly() { # LABEL COMMAND...
    local label=$1 log line status width
    shift
    log=$(mktemp) || fail "no room for temporary files"
    if [ -t 2 ]; then
        width=$(($(stty size <&2 2>/dev/null | cut -d' ' -f2) - 1))
        [ "$width" -ge 20 ] || width=79
        "$@" 2>&1 </dev/null | while IFS= read -r line; do
            printf '%s\n' "$line" >>"$log"
            line="==> $label: $line"
            printf '\r\033[K%s' "${line:0:$width}" >&2
        done
        status=${PIPESTATUS[0]}
        printf '\r\033[K' >&2
        stage "$label: $([ "$status" = 0 ] && echo "done" || echo "failed")"
    else
        stage "$label"
        "$@" >"$log" 2>&1 </dev/null
        status=$?
    fi
    [ "$status" = 0 ] || tail -n 40 "$log" >&2
    rm -f "$log"
    return "$status"
}

# Install the named packages, with root's rights from sudo where they are needed.
install_packages() {
    local root=() apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y)
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "these packages are missing, and there is no sudo to install them. As root:
    apt-get update && apt-get install -y --no-install-recommends $*"
        root=(sudo)
        sudo -v || fail "sudo refused; the packages to install are: $*"
    fi
    run_quietly "reading the package lists" "${root[@]}" "${apt[@]}" update ||
        fail "apt-get update failed"
    run_quietly "installing $# packages" "${root[@]}" "${apt[@]}" install \
        --no-install-recommends "$@" || fail "could not install $*"
}

# Install those of the named packages that are missing.
ensure_packages() {
    local missing=() package
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
}

# Make build/ with an option, or without tests; one that is there keeps its other options.
configure() { # [OPTION]
    if [ ! -f build/build.ninja ]; then
        run_quietly "configuring in build/" meson setup build "${1:--Dtests=disabled}" ||
            fail "meson setup failed"
    elif [ $# != 0 ]; then
        run_quietly "configuring in build/" meson configure build "$1" || fail "meson failed"
    fi
}

# Build a target, or all of them.
build() { # [TARGET]
    run_quietly "building" ninja -C build "$@" || fail "the build failed"
}
