"""Engines: how each is found, started, and driven through its serial port."""
import collections
import os
import pty
import shutil
import subprocess
import threading
import time
import tty

from serial_port import EngineFailed, Monitor, Port

START, STOP = b'\x02', b'\x03'
APPEND = 'rdinit=/init console=ttyS0,115200 cryptomgr.notests quiet loglevel=0 panic=-1'
REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# cpu: seconds of processor time that the engine used, or None where that cannot be told.
Run = collections.namedtuple('Run', 'seconds checksum iterations cpu')
Setup = collections.namedtuple('Setup', 'kernel initrd directory memory')


def processor_seconds(pid):
    """Processor time of all threads of a process so far, or None where the host cannot tell. The
    clock's number is what clock_getcpuclockid(3) returns on Linux."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return None


class Engine:
    """A virtual machine that boots the kernel. Subclasses say by what command."""
    boots_kernel = True
    has_counters = False
    note = ''

    def __init__(self, name, path, setup):
        self.name, self.path, self.setup = name, path, setup
        self.process = self.port = None

    def command(self):
        raise NotImplementedError

    def bare_command(self, floppy):
        raise NotImplementedError

    def version(self):
        output = subprocess.run([self.path, '--version'], capture_output=True, text=True,
                                check=False).stdout
        return output.splitlines()[0] if output else 'unknown version'

    def start(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, cwd=self.setup.directory)
        self.port = Port(self.process.stdout.fileno(), self.process.stdin.fileno())

    def is_up(self):
        return self.process is not None and self.process.poll() is None

    def boot(self, timeout):
        """Start; the seconds until the first process is ready."""
        begin = time.monotonic()
        self.start(self.command())
        _, ready = self.port.wait_for(b'@ready', begin + timeout)
        return ready - begin

    def boot_bare(self, floppy, timeout):
        """Start from the floppy image, up to its readiness for commands."""
        own = os.path.join(self.setup.directory, self.name + '-floppy.img')
        shutil.copy(floppy, own)  # engines lock their images
        self.start(self.bare_command(own))
        self.port.wait_for(b'@ready', time.monotonic() + timeout)

    def program_path(self, workload):
        return '/' + workload.program

    def run(self, workload, iterations, timeout):
        """Have a workload run once, that many iterations."""
        deadline = time.monotonic() + timeout
        if workload.program is None:
            command = f'{workload.number} {iterations}\n'
        else:
            command = f'{self.program_path(workload)} {workload.name} {iterations}\n'
        self.port.send(command.encode())
        run = self.read_run(workload.name, deadline)
        if run.iterations != iterations:
            raise EngineFailed(f'{run.iterations} iterations instead of {iterations}')
        return run

    def read_run(self, name, deadline):
        _, start = self.port.wait_for(START, deadline)
        cpu_start = self.processor_seconds()
        _, stop = self.port.wait_for(STOP, deadline)
        cpu_stop = self.processor_seconds()
        line, _ = self.port.wait_for(b'\n', deadline)
        self.port.wait_for(b'@ready', deadline)
        words = line.decode('ascii', 'replace').split()
        if len(words) != 3 or words[0] != name:
            raise EngineFailed(f'unexpected result {line!r}')
        cpu = None
        if cpu_start is not None and cpu_stop is not None and cpu_stop > cpu_start:
            cpu = cpu_stop - cpu_start  # less if a thread ended meanwhile
        return Run(stop - start, words[1], int(words[2]), cpu)

    def processor_seconds(self):
        return processor_seconds(self.process.pid)

    def stop(self):
        """Let the guest switch off; a bare image does not know how, so it is ended."""
        if self.is_up():
            try:
                self.port.send(b'quit\n')
                self.process.wait(3)
            except (OSError, subprocess.TimeoutExpired):
                pass
        self.kill()

    def kill(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self.process = None


class Native(Engine):
    """The same programs on the host itself, on one of its processors as in the guests: what all
    ratios refer to."""
    boots_kernel = False

    def command(self):
        return [os.path.join(self.setup.directory, 'init')]

    def version(self):
        return 'the host'

    def start(self, command):
        super().start(command)
        os.sched_setaffinity(self.process.pid, {max(os.sched_getaffinity(0))})

    def processor_seconds(self):
        """Of the workload, a child of the process that we started, and of its own children that
        have ended (these to a hundredth of a second)."""
        pid = self.process.pid
        try:
            with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as file:
                child = file.read().split()[-1]
            own = processor_seconds(int(child))
            with open(f'/proc/{child}/stat', encoding='ascii') as file:
                fields = file.read().rpartition(')')[2].split()
            return own + (int(fields[13]) + int(fields[14])) / os.sysconf('SC_CLK_TCK')
        except (OSError, ValueError, IndexError, TypeError):
            return None

    def program_path(self, workload):
        return os.path.join(self.setup.directory, workload.program)


class Machine(Engine):
    """What Pentimento's and QEMU's command lines have in common."""
    options = ()

    def command(self):
        return [self.path, *self.options, '-m', str(self.setup.memory), '-kernel',
                self.setup.kernel, '-initrd', self.setup.initrd, '-append', APPEND, '-display',
                'none', '-serial', 'stdio', '-no-reboot']

    def bare_command(self, floppy):
        return [self.path, *self.options, '-m', '16', '-drive',
                f'file={floppy},if=floppy,format=raw,readonly=on', '-boot', 'a', '-display', 'none',
                '-serial', 'stdio', '-no-reboot']


class Pentimento(Machine):
    has_counters = True

    def __init__(self, name, path, setup, engine):
        super().__init__(name, path, setup)
        self.options = self.timed_options = ('-engine', engine)
        self.monitor = None

    def count(self, counts):
        """Whether the next start shall keep counters; when times are taken it should not."""
        self.options = self.timed_options
        if counts:
            self.options += ('-stats-json', os.devnull, '-monitor',
                             f'unix:{self.monitor_path()},server')

    def monitor_path(self):
        return os.path.join(self.setup.directory, self.name + '.monitor')

    def counters(self, timeout):
        if self.monitor is None:
            self.monitor = Monitor(self.monitor_path(), timeout)
        return self.monitor.counters()

    def kill(self):
        if self.monitor is not None:
            self.monitor.close()
            self.monitor = None
        super().kill()


class Qemu(Machine):
    options = ('-accel', 'tcg', '-monitor', 'none', '-net', 'none')


def drain(terminal):
    """Read what comes until the other end is closed."""
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass
    os.close(terminal)


class Bochs(Engine):
    """Boots a CD made by grub-mkrescue, because Bochs loads no kernel by itself; its serial port
    is a pseudo-terminal. Debian's package is a build with the debugger: 3 to 4 times slower than
    a build for speed, so it says little about Bochs."""
    note = 'not Bochs at its best if this is a debugger build, as Debian\'s is (3 to 4 times slower)'

    def version(self):
        output = subprocess.run([self.path, '--help'], capture_output=True, text=True, check=False)
        lines = [line.strip() for line in (output.stdout + output.stderr).splitlines()]
        return next((line for line in lines if 'Bochs' in line), 'unknown version')

    def make_disc(self):
        disc = os.path.join(self.setup.directory, 'bochs.iso')
        if os.path.exists(disc):
            return disc
        root = os.path.join(self.setup.directory, 'disc')
        os.makedirs(os.path.join(root, 'boot/grub'), exist_ok=True)
        shutil.copy(self.setup.kernel, os.path.join(root, 'linux'))
        shutil.copy(self.setup.initrd, os.path.join(root, 'initrd'))
        with open(os.path.join(root, 'boot/grub/grub.cfg'), 'w', encoding='ascii') as config:
            config.write(f'linux /linux {APPEND}\ninitrd /initrd\nboot\n')
        subprocess.run(['grub-mkrescue', '-o', disc, root], check=True, capture_output=True)
        return disc

    def configuration(self, boot_lines, memory):
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        path = os.path.join(self.setup.directory, 'bochsrc')
        with open(path, 'w', encoding='ascii') as config:
            config.write(f'megs: {memory}\ndisplay_library: term\ncpu: ips=100000000\n'
                         'clock: sync=none\nspeaker: enabled=0\nsound: driver=dummy\n'
                         f'log: /dev/null\npanic: action=fatal\n{boot_lines}'
                         f'com1: enabled=1, mode=term, dev={os.ttyname(slave)}\n')
        commands = os.path.join(self.setup.directory, 'bochs-commands')
        with open(commands, 'w', encoding='ascii') as file:
            file.write('c\n')
        usage = subprocess.run([self.path, '--help'], capture_output=True, text=True, check=False)
        has_debugger = 'debugger' in usage.stdout + usage.stderr
        return [self.path, '-q', '-f', path] + (['-rc', commands] if has_debugger else [])

    def command(self):
        disc = self.make_disc()
        lines = f'ata0-master: type=cdrom, path={disc}, status=inserted\nboot: cdrom\n'
        return self.configuration(lines, self.setup.memory)

    def bare_command(self, floppy):
        return self.configuration(f'floppya: 1_44={floppy}, status=inserted\nboot: floppy\n', 16)

    def start(self, command):
        """Its screen, display library "term", must be a terminal; nobody looks at it."""
        screen, terminal = pty.openpty()
        self.process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal,
                                        cwd=self.setup.directory, start_new_session=True,
                                        env={**os.environ, 'TERM': 'xterm'})
        os.close(terminal)
        threading.Thread(target=drain, args=[screen], daemon=True).start()
        self.port = Port(self.master, self.master, self.process)


def pentimento_programs(given):
    """(prefix, path) for each build named on the command line, or the one in build/."""
    if not given:
        path = os.path.join(REPOSITORY, 'build/frontend/pentimento')
        path = path if os.path.exists(path) else shutil.which('pentimento')
        return [('', path)] if path else []
    pairs = [item.split('=', 1) if '=' in item else ('', item) for item in given]
    return [(name + '-' if name else '', os.path.abspath(path)) for name, path in pairs]


def has_engine(path, name):
    """The program starts up with this engine (asked for its version)."""
    result = subprocess.run([path, '-engine', name, '-version'], capture_output=True, check=False)
    return result.returncode == 0


def find(names, given, setup):
    """The engines that exist here, of those asked for."""
    found = [Native('native', None, setup)]
    for prefix, path in pentimento_programs(given):
        for kind in ('interp', 'bt'):
            if has_engine(path, kind):
                found.append(Pentimento(prefix + kind, path, setup, kind))
    for kind, name, program in ((Qemu, 'qemu', 'qemu-system-i386'), (Bochs, 'bochs', 'bochs')):
        path = shutil.which(program)
        if path is not None and (kind is not Bochs or shutil.which('grub-mkrescue')):
            found.append(kind(name, path, setup))
    if setup.kernel is None:
        found = [e for e in found if not e.boots_kernel]
    if names in ('all', 'list'):
        return found
    wanted = names.split(',')
    kinds = {e.name.rsplit('-', 1)[-1] for e in found}
    missing = [w for w in wanted if w not in kinds and w not in [e.name for e in found]]
    if missing:
        raise SystemExit(f'benchmarks: not found: {", ".join(missing)}')
    return [e for e in found if e.name in wanted or e.name.rsplit('-', 1)[-1] in wanted]
