#!/usr/bin/env bash
# Fetch the disk drivers that the netboot initrd of package debian-installer-12-netboot-i386 leaves
# out, from the package of exactly that kernel, which only the i386 architecture has.
#   fetch_modules.sh DIRECTORY     the result is DIRECTORY/lib/modules/...; done already: nothing to do
# apt runs with a state of its own below DIRECTORY: the host's sources and architectures stay.
set -eu

images=/usr/lib/debian-installer/images/12/i386/text/debian-installer/i386
directory=$(mkdir -p "$1" && cd "$1" && pwd)

# Boot protocol, kernel_version: a 16-bit pointer at 20Eh to the text, less 200h.
kernel_release() {
    local pointer
    pointer=$(od -An -tu2 -j 526 -N 2 "$images/linux" | tr -d ' ')
    dd if="$images/linux" bs=1 skip=$((pointer + 512)) count=64 2>/dev/null | tr ' \0' '\n\n' | head -n 1
}

release=$(kernel_release)
[ -f "$directory/$release.complete" ] && exit 0

state=$directory/apt
mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
: > "$state/status"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] http://deb.debian.org/debian bookworm main" \
    > "$state/sources.list"
apt() {
    apt-get -qq -o APT::Architecture=i386 -o APT::Architectures=i386 -o APT::Sandbox::User=root \
        -o Dir::State="$state" -o Dir::State::Lists="$state/lists" \
        -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" \
        -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null "$@"
}

cd "$directory"
apt update
apt download "linux-image-$release"
dpkg-deb --fsys-tarfile ./*.deb | tar -x --wildcards './lib/modules/*/modules.builtin' \
    './lib/modules/*/kernel/'{block,crypto,drivers/acpi,drivers/ata,drivers/cdrom,drivers/scsi,fs/isofs}'/*' \
    './lib/modules/*/kernel/lib/*'
rm -r ./*.deb "$state"
touch "$release.complete"
