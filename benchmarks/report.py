"""Writes a result document as JSON, as Markdown tables, and as one HTML page with charts."""
import json

import charts
from charts import escape

STYLE = '''body{font:14px sans-serif;max-width:72em;margin:2em auto;color:#222;padding:0 1em}
table{border-collapse:collapse;margin:1em 0}td,th{padding:2px 8px;border-bottom:1px solid #ddd;
text-align:right;vertical-align:top}td:first-child,th:first-child{text-align:left}
svg{display:block;margin:.5em 0 1em}.bad{color:#b00}.note{color:#555;max-width:60em}
.legend span{margin-right:1.2em;white-space:nowrap}.legend i{display:inline-block;width:.8em;
height:.8em;margin-right:.35em}'''
# Parts of host time (docs/statistics.md), in the order of the charts.
PARTS = ('translated', 'interpreter', 'handlers', 'accesses', 'mmu', 'windows', 'translator',
         'ports', 'other', 'waiting', 'halted')
# Those in which the vCPU thread uses no processor.
IDLE_PARTS = ('waiting', 'halted')
BASES = ('native', 'qemu')
TITLES = {'native': 'the host', 'qemu': 'QEMU'}


def duration_text(seconds):
    for factor, unit in ((1, 's'), (1e3, 'ms'), (1e6, 'µs')):
        if seconds * factor >= 1:
            return f'{seconds * factor:.3g} {unit}'
    return f'{seconds * 1e9:.3g} ns'


def ratio_text(ratio):
    if ratio is None:
        return ''
    words = f'{ratio["median"]:.3g}'
    if ratio['low'] is not None:
        words += f' [{ratio["low"]:.3g}, {ratio["high"]:.3g}]'
    return words


def ratio_of(row, engine, other):
    return row['engines'].get(engine, {}).get('ratio', {}).get(other)


def time_text(entry):
    if entry is None:
        return ''
    words = duration_text(entry['median'])
    if entry['interval'] is not None:
        words += f' ± {100 * entry["interval"] / entry["median"]:.0f} %'
    return words


def names(document):
    return [engine['name'] for engine in document['engines']]


def others(document, base):
    return [name for name in names(document) if name != base]


def bases(document):
    return [base for base in BASES if base in names(document) and len(names(document)) > 1]


def kinds(document):
    return list(dict.fromkeys(row['kind'] for row in document['rows']))


def table_of_means(document, base):
    """Rows of geometric means per class, in relation to `base`."""
    rows = []
    for kind in kinds(document):
        means = document['geometric_means'].get(kind, {})
        values = [means.get(engine, {}).get(base) for engine in others(document, base)]
        if any(value is not None for value in values):
            rows.append([kind] + ['' if v is None else f'{v:.3g}' for v in values])
    return [['class'] + others(document, base)] + rows


def table_of_ratios(document, base):
    rows = [[row['workload']] + [ratio_text(ratio_of(row, e, base)) for e in others(document, base)]
            for row in document['rows'] if base in row['engines']]
    return [['workload'] + others(document, base)] + rows


def table_of_times(document):
    rows = [[row['workload']] + [time_text(row['engines'].get(name)) for name in names(document)]
            for row in document['rows']]
    return [['workload'] + names(document)] + rows


def with_counters(document, engine):
    """(workload, entry) of the rows for which the engine told its counters."""
    return [(row['workload'], row['engines'][engine]) for row in document['rows']
            if row['engines'].get(engine, {}).get('counters')]


def counting_engines(document):
    return [name for name in names(document) if with_counters(document, name)]


def most_frequent(counters, group, total):
    found = sorted(((value, name[len(group):]) for name, value in counters.items()
                    if name.startswith(group)), reverse=True)
    return ', '.join(f'{name} {1000 * value / total:.3g}' for value, name in found[:3]
                     if value * 1e5 >= total)


def table_of_counters(document, engine):
    """What an engine's counters say about each workload."""
    def per_thousand(counters, name, total):
        value = 1000 * counters.get(name, 0) / total
        return f'{value:.3g}' if value else ''

    head = ['workload', 'instructions', 'interpreted %', 'handlers', 'slow accesses', 'dispatches',
            'host traps', 'window fills', 'page faults', 'port accesses', 'translated blocks',
            'most frequent handlers', 'most frequent sensitive instructions']
    rows = []
    for workload, entry in with_counters(document, engine):
        counters = entry['counters']
        total = counters.get('instructions.total', 0)
        if total == 0:
            continue
        rows.append(
            [workload, f'{total:.3g}', f'{100 * counters.get("instructions.interp", 0) / total:.2g}']
            + [per_thousand(counters, name, total) for name in (
                'instructions.handlers', 'translator.access_calls', 'translator.dispatches',
                'translator.host_traps', 'mmu.window_fills', 'mmu.faults',
                'device.port_accesses')]
            + [f'{counters.get("translator.blocks", 0):.0f}',
               most_frequent(counters, 'handlers.', total),
               most_frequent(counters, 'sensitive.', total)])
    return [head] + rows


def table_of_parts(document, engine):
    rows = []
    for workload, entry in with_counters(document, engine):
        seconds = [entry['counters'].get(f'parts.{part}_seconds', 0) for part in PARTS]
        if sum(seconds) > 0:
            rows.append([workload] + [f'{100 * s / sum(seconds):.0f}' if s else '' for s in seconds])
    return [['workload'] + list(PARTS)] + rows


def heading_lines(document):
    host = document['host']
    lines = [f'{document["date"]}; {host["cpu"]}, {host["cpus"]} CPUs; {host["system"]}; '
             f'guest programs by {host["compiler"]}; clock: {document["clock"]}; '
             f'{document["runs"]} rounds; {document["seconds"]} s in all']
    for engine in document['engines']:
        note = f' ({engine["note"]})' if engine['note'] else ''
        lines.append(f'{engine["name"]}: {engine["version"]}{note}')
    return lines


def problem_lines(document):
    lines = [f'{f["engine"]}, {f["workload"]}: {f["text"]}' for f in document['failures']]
    for item in document['disagreements']:
        sums = '; '.join(f'{c["checksum"]} on {", ".join(c["engines"])}'
                         for c in item['checksums'])
        lines.append(f'{item["workload"]}: checksums after {item["iterations"]} iterations differ: '
                     f'{sums}')
    return lines


def sections(document):
    """(title, explanation, chart or None, table) for all that a report holds."""
    for base in bases(document):
        title = TITLES[base]
        rows = [(kind, [(v, None, None) if (v := means.get(e, {}).get(base)) else None
                        for e in others(document, base)])
                for kind in kinds(document) for means in [document['geometric_means'].get(kind, {})]
                if any(base in m for m in means.values())]
        yield (f'Time in relation to {title}, by class', 'Geometric means of the ratios below.',
               charts.ratio_bars(rows, others(document, base), title),
               table_of_means(document, base))
    for base in bases(document):
        title = TITLES[base]
        rows = []
        for row in document['rows']:
            if base in row['engines']:
                ratios = [ratio_of(row, e, base) for e in others(document, base)]
                rows.append((row['workload'],
                             [r and (r['median'], r['low'], r['high']) for r in ratios]))
        yield (f'Time in relation to {title}',
               'Median of the rounds\' ratios, with the 95 % confidence interval of their mean.',
               charts.ratio_bars(rows, others(document, base), title),
               table_of_ratios(document, base))
    yield ('Time of one iteration', 'Median, with the 95 % confidence interval of the mean.', None,
           table_of_times(document))
    for engine in counting_engines(document):
        yield from counter_sections(document, engine)


def counter_sections(document, engine):
    rows = []
    for workload, entry in with_counters(document, engine):
        counters = entry['counters']
        seconds = [counters.get(f'parts.{part}_seconds', 0) for part in PARTS]
        total = counters.get('instructions.total', 0)
        if sum(seconds) > 0 and total > 0:
            rows.append((workload, seconds, f'{1e9 * sum(seconds) / total:.3g} ns an instruction'))
    if rows:
        yield (f'Where the time of {engine} goes',
               'Samples of what the vCPU thread does (docs/statistics.md), and host time for a '
               'guest instruction, from one more run with counters.',
               charts.share_bars(rows, PARTS, unit=' s'), table_of_parts(document, engine))
    yield (f'Counters of {engine}',
           'From the same run. From "handlers" to "port accesses", and behind the names: events for '
           'a thousand guest instructions.', None, table_of_counters(document, engine))


def markdown_table(table):
    lines = ['| ' + ' | '.join(table[0]) + ' |',
             '|' + '---|' + '---:|' * (len(table[0]) - 1)]
    return '\n'.join(lines + ['| ' + ' | '.join(row) + ' |' for row in table[1:]])


def markdown(document):
    parts = ['# Benchmark report', '\n'.join('- ' + line for line in heading_lines(document))]
    problems = problem_lines(document)
    if problems:
        parts.append('## Problems\n\n' + '\n'.join('- ' + line for line in problems))
    for title, explanation, _, table in sections(document):
        parts.append(f'## {title}\n\n{explanation}\n\n{markdown_table(table)}')
    return '\n\n'.join(parts) + '\n'


def html_table(table):
    def cells(row, tag):
        return ''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in row)
    lines = [f'<tr>{cells(table[0], "th")}</tr>']
    return '<table>' + '\n'.join(
        lines + [f'<tr>{cells(row, "td")}</tr>' for row in table[1:]]) + '</table>'


def html_page(title, heading, problems, found):
    """A whole page; found: sections as sections() gives them."""
    parts = [f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>',
             f'<style>{STYLE}</style><h1>{escape(title)}</h1>']
    parts += [f'<p>{escape(line)}</p>' for line in heading]
    parts += [f'<p class="bad">{escape(line)}</p>' for line in problems]
    for section, explanation, chart, table in found:
        parts += [f'<h2>{escape(section)}</h2><p class="note">{escape(explanation)}</p>',
                  chart or '']
        if chart and table:
            parts.append(f'<details><summary>as a table</summary>{html_table(table)}</details>')
        elif table:
            parts.append(html_table(table))
    return '\n'.join(parts) + '\n'


def write(document, output):
    with open(output + '.json', 'w', encoding='utf-8') as file:
        json.dump(document, file, indent=1)
    with open(output + '.md', 'w', encoding='utf-8') as file:
        file.write(markdown(document))
    with open(output + '.html', 'w', encoding='utf-8') as file:
        file.write(html_page('Benchmark report', heading_lines(document), problem_lines(document),
                             sections(document)))
