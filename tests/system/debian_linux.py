"""A small Linux system from the Debian installer: its kernel, BusyBox with the libraries that it
needs, and the disk drivers (see fetch_modules.sh). Unpacking the whole 30 MB initrd would take most
of a test's time."""
import functools
import gzip
import pathlib
import re
import stat

from guest import Skip, require

PACKAGE = "debian-installer-12-netboot-i386"
FOLDER = pathlib.Path("/usr/lib/debian-installer/images/12/i386/text/debian-installer/i386")
# Drivers to load; what they depend on is found. The checksums of crc-t10dif and crc64-rocksoft come
# from modules that these find by the name of the algorithm alone.
DISK_DRIVERS = ("crct10dif_generic", "crc64_rocksoft_generic", "ata_piix", "sd_mod", "sr_mod",
                "isofs")
FILES = r"(bin/busybox|bin/kmod|lib/ld-linux\.so\.2|lib/i386-linux-gnu/lib(c|m|resolv)\.so\.\d)$"
LINKS = "sh cat ls dd mount umount mkdir echo uname md5sum wc poweroff reboot sync sleep dmesg"
INIT = """#!/bin/sh
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
# The kernel's argument libata=dma=0 comes here as a variable.
for module in {modules}; do
    options=
    [ $module = libata ] && options=$libata
    insmod /modules/$module.ko $options || echo "no module $module"
done
dmesg -n 1
echo "system is up"
# Not an interactive shell: that would ask the terminal for its size and edit the line.
while read -r line; do eval "$line"; echo "<status $?>"; done </dev/console >/dev/console 2>&1
"""


def kernel():
    return require(FOLDER / "linux", PACKAGE)


def full_initrd():
    return require(FOLDER / "initrd.gz", PACKAGE)


def kernel_release():
    data = pathlib.Path(kernel()).read_bytes()[:0x8000]
    start = int.from_bytes(data[0x20e:0x210], "little") + 0x200  # boot protocol, kernel_version
    return data[start:].split(b" ")[0].decode()


@functools.cache
def archive():
    """The installer's initrd: name -> (mode, contents), read from its "newc" cpio archives."""
    data = gzip.decompress(pathlib.Path(full_initrd()).read_bytes())
    files, offset = {}, 0
    while offset + 110 <= len(data):
        if data[offset:offset + 6] != b"070701":
            offset += 4  # padding between two archives
            continue
        field = [int(data[offset + 6 + 8 * i:offset + 14 + 8 * i], 16) for i in range(13)]
        mode, size, name_size = field[1], field[6], field[11]
        name = data[offset + 110:offset + 110 + name_size - 1].decode()
        start = (offset + 110 + name_size + 3) & ~3
        files[name] = (mode, data[start:start + size])
        offset = (start + size + 3) & ~3
    return files


def resolve(files, name):
    """Contents behind a name, through symbolic links."""
    for _ in range(8):
        mode, contents = files[name]
        if not stat.S_ISLNK(mode):
            return contents
        target = contents.decode()
        base = pathlib.PurePosixPath("/" + name).parent
        parts = []
        for part in (base / target).parts[1:]:
            parts = parts[:-1] if part == ".." else parts + [part]
        name = "/".join(parts)
    raise KeyError(name)


def cpio_entry(number, name, mode, contents=b"", device=(0, 0)):
    encoded = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(contents), 0, 0, *device, len(encoded), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return head + bytes(-len(head) % 4) + contents + bytes(-len(contents) % 4)


def make_cpio(entries):
    body = b"".join(cpio_entry(i + 1, *entry) for i, entry in enumerate(entries))
    return body + cpio_entry(0, "TRAILER!!!", 0)


def read_modules(build_folder, drivers):
    """Drivers and what they depend on: name -> contents, in the order of loading."""
    folder = build_folder / "guests" / "modules"
    root = folder / "lib" / "modules" / kernel_release()
    paths = {path.stem.replace("-", "_"): path for path in root.rglob("*.ko")}
    modules = {}

    def add(name):
        if name in modules:
            return
        if name not in paths:
            raise Skip(f"the driver {name}.ko is missing: run tests/system/fetch_modules.sh "
                       f"{folder}")
        contents = paths[name].read_bytes()
        depends = re.search(rb"\0depends=([^\0]*)", contents).group(1).decode()
        for other in depends.replace("-", "_").split(","):
            if other:
                add(other)
        modules[name] = contents

    for name in drivers:
        add(name)
    return modules


def write_initrd(path, build_folder, drivers):
    """Write a small initrd that loads these drivers."""
    source = archive()
    folders = ("bin", "sbin", "lib", "lib/i386-linux-gnu", "dev", "proc", "sys", "mnt", "modules")
    entries = [(name, stat.S_IFDIR | 0o755) for name in folders]
    entries.append(("dev/console", stat.S_IFCHR | 0o600, b"", (5, 1)))
    for name in sorted(source):
        plain = name.removeprefix("./").removeprefix("usr/")
        if re.match(FILES, plain):
            entries.append((plain, stat.S_IFREG | 0o755, resolve(source, name)))
    for name in LINKS.split():
        entries.append((f"bin/{name}", stat.S_IFLNK | 0o777, b"busybox"))
    entries.append(("bin/insmod", stat.S_IFLNK | 0o777, b"kmod"))
    modules = read_modules(build_folder, drivers)
    entries += [(f"modules/{name}.ko", stat.S_IFREG | 0o644, contents)
                for name, contents in modules.items()]
    init = INIT.format(modules=" ".join(modules))
    entries.append(("init", stat.S_IFREG | 0o755, init.encode()))
    pathlib.Path(path).write_bytes(make_cpio(entries))
    return path
