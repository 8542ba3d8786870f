#!/usr/bin/env python3
"""Compare engines and peers on the same guest workloads: one command, one report.

    benchmarks/run.py --engines native,interp,qemu --runs 5 --output report

Every engine is started once and boots the same kernel and initrd (or, natively, the same program);
its first process then takes commands from the serial port. A first run of each workload is the same
on all engines: it checks that they agree, and tells how many iterations each does in the time that
a run shall take. Then each workload runs in turn on every engine, and that is repeated, so that
whatever else disturbs the host hits all engines alike. The time is the host's, from the START byte
to the STOP byte of the workload on the serial port. The bare images follow in the same way. At last
engines that have counters run everything once more, to tell where their time goes.

Writes OUTPUT.json, OUTPUT.md and OUTPUT.html. See docs/benchmarks.md for the method.
"""
import argparse
import datetime
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time

import engine as engines_module
import image
import report
import statistics_of_runs as statistics

HERE = os.path.dirname(os.path.abspath(__file__))
KERNEL = ('/usr/lib/debian-installer/images/12/i386/text/debian-installer/i386/linux',
          '/boot/vmlinuz-686')


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--engines', default='all',
                        help='comma-separated; "all": whatever is found; "list": say what that is')
    parser.add_argument('--pentimento', action='append', metavar='[NAME=]PATH', default=[],
                        help='the program to measure; several to compare builds')
    parser.add_argument('--kernel', default=next(filter(os.path.exists, KERNEL), None))
    parser.add_argument('--workloads', default='', help='comma-separated names or classes')
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('--target', type=float, default=0.2, metavar='SECONDS',
                        help='what a run shall take')
    parser.add_argument('--memory', type=int, default=256, help='MiB of guest RAM')
    parser.add_argument('--timeout', type=float, default=300, help='seconds for one step')
    parser.add_argument('--no-bare', action='store_true', help='no images without a kernel')
    parser.add_argument('--no-counters', action='store_true', help='no last round with counters')
    parser.add_argument('--boot-runs', type=int, default=1, help='boots of each engine')
    parser.add_argument('--clock', choices=('wall', 'cpu'), default='wall',
                        help='what ratios compare: time, or, for hosts with other work to do, '
                        'processor time of the engine')
    parser.add_argument('--output', default='benchmark-report')
    return parser.parse_args()


def host_description():
    model = 'unknown'
    with open('/proc/cpuinfo', encoding='ascii', errors='replace') as lines:
        for line in lines:
            if line.startswith('model name'):
                model = line.split(':', 1)[1].strip()
                break
    return {'cpu': model, 'cpus': os.cpu_count(), 'system': ' '.join(os.uname()[:3:2]),
            'compiler': image.compiler_version()}


MOST_DOUBLINGS = 10
MOST_TRIES = 3
COUNTED_RUNS = 4  # so that samples are many, and starting the program does not matter
MOST_DOUBLINGS_AT_ONCE = 4


def select(workloads, names):
    wanted = set(names.split(','))
    return [w for w in workloads if not names or w.name in wanted or w.kind in wanted]


class Session:
    """Engines that are up and wait for commands, and the workloads to run on them."""

    def __init__(self, workloads, arguments, results):
        self.workloads, self.arguments, self.results = workloads, arguments, results
        self.engines = []
        self.iterations = {}  # (engine name, workload name) -> iterations of a timed run

    def start(self, eng, boot):
        """Call boot(); whether the engine is up then."""
        try:
            boot()
        except engines_module.EngineFailed as failure:
            self.fail(eng, 'boot', failure)
            eng.stop()
            return False
        self.engines.append(eng)
        return True

    def fail(self, eng, what, failure):
        print(f'{eng.name}: {what}: {failure}', file=sys.stderr)
        self.results.note_failure(eng.name, what, str(failure))

    def run(self, eng, workload, iterations):
        """One run, or None; an engine that died of it takes no further part."""
        try:
            return eng.run(workload, iterations, self.arguments.timeout)
        except engines_module.EngineFailed as failure:
            self.fail(eng, workload.name, failure)
            eng.kill()
            self.engines.remove(eng)
            return None

    def run_in_earnest(self, eng, workload, iterations):
        """A run whose marks did not come late together, as they may from a process that has to wait
        for the host's processors."""
        for _ in range(MOST_TRIES):
            run = self.run(eng, workload, iterations)
            if run is None or self.results.duration(run) > self.arguments.target / 10:
                return run
        self.fail(eng, workload.name, 'the marks come together: the host is too busy')
        return None

    def try_out(self, eng, workload, iterations):
        """How long a run takes; the longest of a few, where it seems to take no time."""
        seconds = 0
        for _ in range(MOST_TRIES):
            run = self.run(eng, workload, iterations)
            if run is None:
                return None
            self.results.note_sum(eng.name, workload, run)
            seconds = max(seconds, self.results.duration(run))
            if seconds > self.arguments.target / 50:
                break
        return seconds

    def calibrate(self, eng, workload):
        """How many iterations take the time that a run shall take: those of the first run, doubled
        as often as needed. By steps, for the times of short runs mean little: code gets
        translated, and marks arrive late from an engine whose threads have to wait."""
        doublings = 0
        while True:
            seconds = self.try_out(eng, workload, workload.iterations << doublings)
            if seconds is None:
                return
            missing = self.arguments.target / max(seconds, 1e-6)
            step = min(round(math.log2(missing)), MOST_DOUBLINGS_AT_ONCE,
                       MOST_DOUBLINGS - doublings)
            if step <= 0:
                break
            doublings += step
        self.iterations[eng.name, workload.name] = workload.iterations << doublings

    def calibrate_all(self):
        for workload in self.workloads:
            for eng in list(self.engines):
                self.calibrate(eng, workload)

    def each(self):
        """Every workload on every engine that can run it, in turn."""
        for workload in self.workloads:
            for eng in list(self.engines):
                iterations = self.iterations.get((eng.name, workload.name))
                if iterations is not None:
                    yield eng, workload, iterations

    def measure(self):
        for round_number in range(self.arguments.runs):
            for eng, workload, iterations in self.each():
                run = self.run_in_earnest(eng, workload, iterations)
                if run is not None:
                    self.results.add(eng.name, workload, round_number, run)
            print(f'round {round_number + 1} of {self.arguments.runs} done', file=sys.stderr)

    def count(self):
        """What the counters of each engine say about each workload."""
        for eng, workload, iterations in self.each():
            try:
                before = eng.counters(self.arguments.timeout)
                run = self.run(eng, workload, iterations * COUNTED_RUNS)
                if run is not None:
                    after = eng.counters(self.arguments.timeout)
                    self.results.add_counters(eng.name, workload, difference(before, after))
            except (engines_module.EngineFailed, OSError) as failure:
                self.fail(eng, 'counters of ' + workload.name, failure)

    def stop(self):
        for eng in self.engines:
            eng.stop()
        self.engines = []


def difference(before, after):
    changes = {name: value - before.get(name, 0) for name, value in after.items()}
    return {name: round(change, 6) for name, change in changes.items() if change != 0}


def boot_kernel(session, engines, results):
    """Boot every engine as often as asked for, in turn; the last boot stays up."""
    arguments = session.arguments

    def boot(eng, number):
        seconds = eng.boot(arguments.timeout)
        if eng.boots_kernel:
            run = engines_module.Run(seconds, 'booted', 1, eng.processor_seconds())
            results.add(eng.name, image.BOOT, number, run)

    for number in range(arguments.boot_runs):
        session.stop()
        for eng in engines:
            session.start(eng, lambda: boot(eng, number))


def run_guests(engines, built, arguments, results):
    """All workloads under the kernel, then all of the bare image; with counters at the end."""
    counting = [] if arguments.no_counters else [e for e in engines if e.has_counters]
    programs = select(image.list_workloads(), arguments.workloads)
    bare = [] if built.floppy is None or arguments.no_bare else select(
        image.list_bare_workloads(), arguments.workloads)

    def start_bare(session, eng):
        return session.start(eng, lambda: eng.boot_bare(built.floppy, arguments.timeout))

    for workloads in (programs, bare):
        session = Session(workloads, arguments, results)
        try:
            if workloads is programs:
                boot_kernel(session, engines, results)
            else:
                for eng in engines if bare else ():
                    if eng.boots_kernel:
                        start_bare(session, eng)
            session.calibrate_all()
            session.measure()
            session.stop()
            for eng in counting if workloads else ():
                eng.count(True)
                if workloads is programs:
                    session.start(eng, lambda: count_boot(eng, arguments, results))
                else:
                    start_bare(session, eng)
                session.count()
                session.stop()
                eng.count(False)
        finally:
            session.stop()


def count_boot(eng, arguments, results):
    eng.boot(arguments.timeout)
    results.add_counters(eng.name, image.BOOT, difference({}, eng.counters(arguments.timeout)))


def main():
    arguments = parse_arguments()
    directory = tempfile.mkdtemp(prefix='benchmark-')
    try:
        built = image.build(directory)
        setup = engines_module.Setup(arguments.kernel, built.initrd, directory, arguments.memory)
        engines = engines_module.find(arguments.engines, arguments.pentimento, setup)
        if arguments.engines == 'list':
            for eng in engines:
                print(f'{eng.name}: {eng.version()}')
            return 0
        results = statistics.Results([e.name for e in engines], arguments.clock)
        started = time.time()
        run_guests(engines, built, arguments, results)
        document = results.document()
        document['host'] = host_description()
        document['date'] = datetime.date.today().isoformat()
        document['clock'] = arguments.clock
        document['runs'] = arguments.runs
        document['seconds'] = round(time.time() - started)
        document['engines'] = [{'name': e.name, 'version': e.version(), 'note': e.note}
                               for e in engines]
        report.write(document, arguments.output)
        print(json.dumps(document['geometric_means'], indent=1))
        return 1 if document['disagreements'] else 0
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == '__main__':
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f'benchmarks: {error}')
