#!/usr/bin/env python3
"""Interpretation against translation: when does it pay to translate code?

    benchmarks/break_even.py --output break-even

Boots the firmware and Debian's kernel and runs some workloads, once by interpretation and once by
translation, and reads the engines' counters. From them it computes what an instruction costs each
way, what its translation costs, and after how many executions that has paid; and a third run, with
the back end that counts executions, tells how often code really is executed again.

Writes OUTPUT.json, OUTPUT.md and OUTPUT.html. docs/interpretation-and-translation.md explains them.
"""
import argparse
import datetime
import json
import os
import shutil
import sys
import tempfile

import charts
import engine as engines_module
import image
import report
import run as runner
from serial_port import EngineFailed

WORKLOADS = ('crc32', 'calls', 'x87-nbody', 'pipe', 'fork-exec', 'smc-jit')
RUNS_OF_THE_WORKLOAD = 16  # times the iterations of the runner's first run
BUSY_PARTS = [name for name in report.PARTS if name not in report.IDLE_PARTS]
# Host time that translated code needs, as against making it, and against interpretation.
EXECUTION_PARTS = ('translated', 'handlers', 'accesses', 'windows', 'mmu', 'other')
# How often blocks were executed: from so many times on.
CLASSES = (1, 2, 4, 16, 256, 4096, 65536)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--pentimento', default=None, metavar='PATH')
    parser.add_argument('--kernel', default=next(filter(os.path.exists, runner.KERNEL), None))
    parser.add_argument('--workloads', default=','.join(WORKLOADS))
    parser.add_argument('--memory', type=int, default=256, help='MiB of guest RAM')
    parser.add_argument('--timeout', type=float, default=1800, help='seconds for one step')
    parser.add_argument('--no-reuse', action='store_true',
                        help='no run with the back end that counts executions (it is slow)')
    parser.add_argument('--output', default='break-even')
    return parser.parse_args()


def counted(eng, action, timeout, starts=False):
    """What the counters say about action(); cpu_seconds is the processor time of it."""
    before = {} if starts else eng.counters(timeout)
    cpu = 0 if starts else eng.processor_seconds()
    action()
    cpu = eng.processor_seconds() - cpu
    return {**runner.difference(before, eng.counters(timeout)), 'cpu_seconds': cpu}


def measure(eng, built, workloads, arguments, failures):
    """Counters by guest: the firmware, the kernel's boot, and the workloads under it. What does not
    come to its end is missing, and named in `failures`."""
    found = {}
    eng.count(True)
    try:
        if built.floppy is not None:
            found['firmware'] = counted(
                eng, lambda: eng.boot_bare(built.floppy, arguments.timeout), arguments.timeout,
                starts=True)
            eng.kill()
        found['boot'] = counted(eng, lambda: eng.boot(arguments.timeout), arguments.timeout,
                                starts=True)
        for workload in workloads:
            iterations = workload.iterations * RUNS_OF_THE_WORKLOAD
            found[workload.name] = counted(
                eng, lambda: eng.run(workload, iterations, arguments.timeout), arguments.timeout)
    except EngineFailed as failure:
        failures.append(f'{eng.name}: {failure}')
        print(failures[-1], file=sys.stderr)
    finally:
        eng.stop()
    return found


def part(counters, name):
    return counters.get(f'parts.{name}_seconds', 0)


def costs_of(interpreted, translated):
    """The figures of one guest. Parts are samples of time that passed; the processor time says how
    much of that the engine really had, on a host with other work to do."""
    passed = sum(part(translated, name) for name in BUSY_PARTS)
    own = translated['cpu_seconds'] / passed
    ran = translated['instructions.translated']
    made = translated.get('translator.guest_instructions_translated', 0)
    blocks = translated.get('translator.blocks', 0)
    costs = {
        'instructions': translated['instructions.total'],
        'interpreted_share': translated.get('instructions.interp', 0)
        / translated['instructions.total'],
        'interpreter_ns': 1e9 * interpreted['cpu_seconds'] / interpreted['instructions.total'],
        'translated_ns': 1e9 * own * sum(part(translated, n) for n in EXECUTION_PARTS) / ran,
        'blocks': blocks,
        'instructions_per_block': made / blocks if blocks else None,
        'host_bytes_per_instruction': translated.get('translator.host_bytes', 0) / made
        if made else None,
        'translation_ns': 1e9 * own * translated.get('time.translation_seconds', 0) / made
        if made else None,
        'reuse': ran / made if made else None,
        'interpreter_seconds': interpreted['cpu_seconds'],
        'translator_seconds': translated['cpu_seconds'],
        'parts': {name: own * part(translated, name) for name in BUSY_PARTS},
    }
    gain = costs['interpreter_ns'] - costs['translated_ns']
    costs['break_even'] = costs['translation_ns'] / gain if made and gain > 0 else None
    return costs


def reuse_of(counters):
    """[(class, share of blocks, share of executed instructions)] in CLASSES."""
    rows = []
    limits = CLASSES[1:] + (1 << 40,)
    for low, high in zip(CLASSES, limits):
        found = [sum(value for name, value in counters.items()
                     if name.startswith(group) and low <= int(name[len(group):]) < high)
                 for group in ('reuse.blocks_', 'reuse.instructions_')]
        rows.append((low, *found))
    return rows


def number(value, digits=3):
    if value is None:
        return ''
    if value >= 10 ** digits:
        return f'{value:,.0f}'
    return f'{value:.{digits}g}'


def table_of_costs(guests):
    head = ['guest', 'instructions', 'interpreted by bt', 'interpreter ns', 'translated ns',
            'translation ns', 'break-even', 'reuse', 'interpreter s', 'translator s']
    return [head] + [
        [name, number(c['instructions']), f'{100 * c["interpreted_share"]:.2g} %',
         number(c['interpreter_ns']), number(c['translated_ns']), number(c['translation_ns']),
         number(c['break_even']), number(c['reuse']), number(c['interpreter_seconds']),
         number(c['translator_seconds'])] for name, c in guests.items()]


def table_of_blocks(guests):
    head = ['guest', 'blocks translated', 'instructions a block', 'host bytes an instruction']
    return [head] + [[name, number(c['blocks']), number(c['instructions_per_block']),
                      number(c['host_bytes_per_instruction'])] for name, c in guests.items()]


def chart_of_break_even(costs):
    """Cost of one instruction, all its executions together, against their number."""
    counts = [10 ** (i / 8) for i in range(0, 41)]
    once, again = costs['translation_ns'], costs['translated_ns']
    lines = [('interpreted', [(n, n * costs['interpreter_ns']) for n in counts]),
             ('translated, then run', [(n, once + n * again) for n in counts]),
             ('of that, running', [(n, n * again) for n in counts])]
    points = []
    if costs['break_even'] and 1 <= costs['break_even'] <= counts[-1]:
        n = costs['break_even']
        points.append((n, n * costs['interpreter_ns'], f'{n:.3g} executions'))
    return charts.curves(lines, points, ('executions of the instruction', 'ns in all'))


def chart_of_reuse(reuse):
    names = [f'{low}+' if high is None else str(low) if high == low + 1 else f'{low} to {high - 1}'
             for low, high in zip(CLASSES, CLASSES[1:] + (None,))]
    rows = []
    for guest, classes in reuse.items():
        for title, index in (('blocks', 1), ('instructions run', 2)):
            values = [row[index] for row in classes]
            rows.append((f'{guest}: {title}', values, f'{sum(values):.3g}'))
    return charts.share_bars(rows, names)


def table_of_reuse(reuse):
    rows = [['guest', 'executions, at least', 'blocks %', 'instructions run %']]
    for guest, classes in reuse.items():
        sums = [sum(row[i] for row in classes) for i in (1, 2)]
        rows += [[guest, str(low), f'{100 * blocks / sums[0]:.3g}',
                  f'{100 * instructions / sums[1]:.3g}'] for low, blocks, instructions in classes]
    return rows


def sections(document):
    guests = document['guests']
    yield ('Cost of an instruction, and break-even',
           'Processor time for a guest instruction when it is interpreted and when its translation '
           'runs; what translating it costs once; after how many executions that has paid; how '
           'often a translated instruction was in fact executed.', None, table_of_costs(guests))
    for name in ('boot', 'firmware'):
        if guests.get(name, {}).get('translation_ns'):
            yield (f'Break-even, {name}', 'Both axes are logarithmic. Left of the crossing it '
                   'would have been better to interpret.', chart_of_break_even(guests[name]), None)
    rows = [(name, [c['parts'][p] for p in BUSY_PARTS], f'{c["translator_seconds"]:.3g} s')
            for name, c in guests.items()]
    yield ('Translation against execution', 'Where the processor time of the translating engine '
           'goes, by samples.', charts.share_bars(rows, BUSY_PARTS, unit=' s'),
           [['guest'] + BUSY_PARTS] + [[name] + [f'{100 * v / max(sum(values), 1e-9):.1f} %'
                                            for v in values] for name, values, _ in rows])
    yield ('Blocks', 'What was translated.', None, table_of_blocks(guests))
    if document['reuse']:
        yield ('Reuse of blocks', 'Blocks by how often they were executed, and the instructions '
               'that ran in them. Few blocks do nearly all the work.',
               chart_of_reuse(document['reuse']), table_of_reuse(document['reuse']))


def heading_lines(document):
    host = document['host']
    return [f'{document["date"]}; {host["cpu"]}; {host["system"]}; {document["version"]}']


def write(document, output):
    title = 'Interpretation and translation'
    with open(output + '.json', 'w', encoding='utf-8') as file:
        json.dump(document, file, indent=1)
    with open(output + '.md', 'w', encoding='utf-8') as file:
        file.write(f'# {title}\n\n' + '\n'.join('- ' + line for line in heading_lines(document)))
        for section, explanation, _, table in sections(document):
            file.write(f'\n\n## {section}\n\n{explanation}')
            file.write('\n\n' + report.markdown_table(table) if table else '')
        file.write('\n')
    with open(output + '.html', 'w', encoding='utf-8') as file:
        file.write(report.html_page(title, heading_lines(document), document['failures'],
                                    sections(document)))


def main():
    arguments = parse_arguments()
    if arguments.kernel is None:
        sys.exit('break_even: no kernel found; name one with --kernel')
    programs = engines_module.pentimento_programs(
        [arguments.pentimento] if arguments.pentimento else [])
    if not programs:
        sys.exit('break_even: no program found; build it or name one with --pentimento')
    directory = tempfile.mkdtemp(prefix='break-even-')
    try:
        built = image.build(directory)
        setup = engines_module.Setup(arguments.kernel, built.initrd, directory, arguments.memory)
        path = programs[0][1]
        workloads = runner.select(image.list_workloads(), arguments.workloads)
        found, failures = {}, []
        for name, kind in (('interp', 'interp'), ('bt', 'bt')):
            eng = engines_module.Pentimento(name, path, setup, kind)
            found[name] = measure(eng, built, workloads, arguments, failures)
            print(f'{name} done', file=sys.stderr)
        reuse = {}
        if not arguments.no_reuse:
            eng = engines_module.Pentimento('portable', path, setup, 'bt,backend=portable')
            reuse = {name: reuse_of(counters)
                     for name, counters in
                     measure(eng, built, [], arguments, failures).items()}
        document = {'date': datetime.date.today().isoformat(),
                    'host': runner.host_description(), 'version': eng.version(),
                    'guests': {name: costs_of(found['interp'][name], counters)
                               for name, counters in found['bt'].items()
                               if name in found['interp']},
                    'reuse': reuse, 'failures': failures, 'counters': found}
        write(document, arguments.output)
        return 1 if failures else 0
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == '__main__':
    sys.exit(main())
