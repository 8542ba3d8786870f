"""Builds what the guests run: the static programs of guest/, an initrd of them, a floppy image."""
import collections
import os
import re
import shutil
import stat
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
GUEST = os.path.join(HERE, 'guest')
BARE = os.path.join(GUEST, 'bare.asm')

# iterations: of the first run. program: None for a bare image, whose table has it as `number`.
Workload = collections.namedtuple('Workload', 'name kind iterations program number')
Built = collections.namedtuple('Built', 'initrd floppy')

# Program, class of its workloads in the report, and compiler options.
PROGRAMS = (
    ('integer', 'integer', ['-mno-sse']),
    ('x87', 'float', ['-mno-sse']),
    ('sse', 'float', ['-msse2', '-mfpmath=sse']),
    ('memory', 'memory', ['-mno-sse']),
    ('system', 'system', ['-mno-sse']),
    ('selfmod', 'selfmod', ['-mno-sse']),
)
BOOT = Workload('boot', 'boot', 1, None, None)

COMPILER = os.environ.get('CC32', 'gcc')
OPTIONS = ('-m32 -O2 -march=i686 -std=c17 -Wall -Wextra -static -nostdlib -ffreestanding -fno-pic '
           '-no-pie -fno-stack-protector -fno-asynchronous-unwind-tables -Wl,--build-id=none '
           '-Wl,-z,noexecstack').split()


def compiler_version():
    output = subprocess.run([COMPILER, '--version'], capture_output=True, text=True, check=True)
    return output.stdout.splitlines()[0]


def list_workloads():
    """The workloads of all programs, in the order of their tables."""
    found = []
    for program, kind, _ in PROGRAMS:
        with open(os.path.join(GUEST, program + '.c'), encoding='utf-8') as source:
            table = source.read().split('const struct workload workloads[]')[1]
        for name, iterations in re.findall(r'\{"([^"]+)", \w+, (\d+)', table):
            found.append(Workload(name, kind, int(iterations), program, None))
    return found


def list_bare_workloads():
    """The workloads of the bare image, in the order of its table."""
    with open(BARE, encoding='utf-8') as source:
        text = source.read()
    names = dict(re.findall(r"^(name_\w+)\s+db '([^']+)'", text, re.M))
    rows = re.findall(r'^ +workload (name_\w+),\s+\w+,\s+[01], (\d+)', text, re.M)
    return [Workload(names[label], 'bare', int(iterations), None, number)
            for number, (label, iterations) in enumerate(rows)]


def compile_program(directory, name, sources, options):
    paths = [os.path.join(GUEST, source) for source in sources]
    subprocess.run([COMPILER, *OPTIONS, *options, *paths, '-o', os.path.join(directory, name),
                    '-lgcc'], check=True)


def cpio_entry(number, name, mode, data=b'', device=(0, 0)):
    """One member of a "newc" archive (the kernel's Documentation: initramfs buffer format)."""
    encoded = name.encode() + b'\0'
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0)
    header = b'070701' + b''.join(b'%08X' % field for field in fields) + encoded
    header += b'\0' * (-len(header) % 4)
    return header + data + b'\0' * (-len(data) % 4)


def write_initrd(path, directory, programs):
    archive = cpio_entry(1, 'dev', stat.S_IFDIR | 0o755)
    archive += cpio_entry(2, 'dev/console', stat.S_IFCHR | 0o600, device=(5, 1))
    for number, name in enumerate(programs, 3):
        with open(os.path.join(directory, name), 'rb') as binary:
            archive += cpio_entry(number, name, stat.S_IFREG | 0o755, binary.read())
    archive += cpio_entry(0, 'TRAILER!!!', 0)
    with open(path, 'wb') as out:
        out.write(archive + b'\0' * (-len(archive) % 512))


def build_floppy(directory):
    """The bare image: assembled with NASM, which may be missing."""
    if shutil.which('nasm') is None:
        return None
    path = os.path.join(directory, 'bare.img')
    subprocess.run(['nasm', '-f', 'bin', '-I', GUEST + '/', '-o', path, BARE], check=True)
    os.truncate(path, 1474560)
    return path


def build(directory):
    """Compile everything into `directory`; the programs stay there for native runs."""
    compile_program(directory, 'init', ['runtime.c', 'init.c'], ['-mno-sse'])
    for name, _, options in PROGRAMS:
        compile_program(directory, name, ['runtime.c', 'workload.c', name + '.c'], options)
    initrd = os.path.join(directory, 'initrd')
    write_initrd(initrd, directory, ['init'] + [program[0] for program in PROGRAMS])
    return Built(initrd, build_floppy(directory))
