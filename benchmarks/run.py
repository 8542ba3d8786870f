#!/usr/bin/env python3
"""Compare engines and peers on the same guest workloads: one command, one report.

    benchmarks/run.py --engines native,interp,qemu --runs 5 --output report

Every engine is started once and boots the same kernel and initrd (or, natively, the same program);
its first process then takes commands from the serial port. Each workload runs in turn on every
engine, and that is repeated, so that whatever else disturbs the host hits all engines alike. The
time is the host's, from the START byte to the STOP byte of the workload on the serial port.

Writes OUTPUT.json, OUTPUT.md and OUTPUT.html. See docs/benchmarks.md for the method.
"""
import argparse
import datetime
import json
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
    parser.add_argument('--percent', type=int, default=100, help='share of the iterations')
    parser.add_argument('--memory', type=int, default=256, help='MiB of guest RAM')
    parser.add_argument('--timeout', type=float, default=300, help='seconds for one step')
    parser.add_argument('--no-bare', action='store_true', help='no images without a kernel')
    parser.add_argument('--boot-runs', type=int, default=1, help='boots of each engine')
    parser.add_argument('--clock', choices=('wall', 'cpu'), default='wall',
                        help='what ratios compare: time, or, for hosts with other work to do, '
                        'processor time of the engine (native: always time)')
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


def select_workloads(names):
    chosen = image.list_workloads()
    if names:
        wanted = set(names.split(','))
        chosen = [w for w in chosen if w.name in wanted or w.kind in wanted]
    return chosen


def measure_guest(engines, workloads, arguments, results):
    """All rounds over all workloads on engines that are up and wait for commands."""
    for round_number in range(arguments.runs):
        for workload in workloads:
            for eng in list(engines):
                try:
                    run = eng.run(workload, arguments.percent, arguments.timeout)
                except engines_module.EngineFailed as failure:
                    print(f'{eng.name}: {workload.name}: {failure}', file=sys.stderr)
                    results.note_failure(eng.name, workload.name, str(failure))
                    if not eng.is_up():
                        engines.remove(eng)
                    continue
                results.add(eng.name, workload, run)
        print(f'round {round_number + 1} of {arguments.runs} done', file=sys.stderr)


def boot_all(engines, arguments, results):
    """Boot every engine boot_runs times in turn; the last boot stays up. Returns those up."""
    up = []
    for boot in range(arguments.boot_runs):
        for eng in engines:
            try:
                seconds = eng.boot(arguments.timeout)
            except engines_module.EngineFailed as failure:
                print(f'{eng.name}: boot: {failure}', file=sys.stderr)
                results.note_failure(eng.name, 'boot', str(failure))
                eng.stop()
                continue
            if eng.boots_kernel:
                results.add(eng.name, image.BOOT, engines_module.Run(seconds, 'booted', 1, eng.processor_seconds()))
            if boot + 1 < arguments.boot_runs:
                eng.stop()
            else:
                up.append(eng)
    return up


def measure_bare(engines, floppy, arguments, results):
    for _ in range(arguments.runs):
        for eng in engines:
            if not eng.boots_kernel:
                continue
            try:
                for name, run in eng.run_bare(floppy, arguments.timeout):
                    results.add(eng.name, image.Workload(name, 'bare', None), run)
            except engines_module.EngineFailed as failure:
                print(f'{eng.name}: bare images: {failure}', file=sys.stderr)
                results.note_failure(eng.name, 'bare', str(failure))


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
        up = boot_all(engines, arguments, results)
        try:
            measure_guest(up, select_workloads(arguments.workloads), arguments, results)
        finally:
            for eng in engines:
                eng.stop()
        has_bare = not arguments.workloads or 'bare' in arguments.workloads.split(',')
        if built.floppy is not None and has_bare and not arguments.no_bare:
            measure_bare(engines, built.floppy, arguments, results)
        document = results.document()
        document['host'] = host_description()
        document['date'] = datetime.date.today().isoformat()
        document['clock'] = arguments.clock
        document['seconds'] = round(time.time() - started)
        document['engines'] = [{'name': e.name, 'version': e.version(), 'note': e.note,
                                'counters': e.counters} for e in engines]
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
