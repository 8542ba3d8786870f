# Shared by demo and check: progress lines, packages and the build. Sourced, from the project root.

stage() { echo "==> $*" >&2; }
fail() { echo "error: $*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "not root and no sudo here; as root, run: $*"
    fi
}

is_installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

install_packages() {
    stage "installing $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update >/dev/null ||
        fail "apt-get update failed"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install -y --no-install-recommends "$@" >/dev/null ||
        fail "could not install $*"
}

# Install those of the named packages that are missing.
ensure_packages() {
    local missing=() package
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
}

# Configure and build in build/; the log is shown only when it fails.
build_program() {
    local log
    if [ ! -f build/build.ninja ]; then
        stage "configuring in build/"
        log=$(meson setup build 2>&1) || { echo "$log" >&2; fail "meson setup failed"; }
    fi
    stage "building"
    log=$(ninja -C build 2>&1) || { echo "$log" | tail -n 40 >&2; fail "the build failed"; }
}
