"""Writes a result document as JSON, as Markdown tables, and as one HTML file with charts."""
import html
import json
import math

COLOURS = ('#4c78a8', '#f58518', '#54a24b', '#b279a2', '#e45756', '#72b7b2', '#9d755d')
BAR, GAP, LABEL, WIDTH = 11, 8, 170, 900
STYLE = '''body{font:14px sans-serif;max-width:72em;margin:2em auto;color:#222}
table{border-collapse:collapse;margin:1em 0}td,th{padding:2px 8px;border-bottom:1px solid #ddd;
text-align:right}td:first-child,th:first-child{text-align:left}svg{display:block;margin:1em 0}
.bad{color:#b00}'''


def milliseconds(seconds):
    value = seconds * 1000
    return f'{value:.1f}' if value < 100 else f'{value:.0f}'


def ratio_text(ratio):
    if ratio is None:
        return ''
    text = f'{ratio["median"]:.3g}'
    if ratio['low'] is not None:
        text += f' [{ratio["low"]:.3g}, {ratio["high"]:.3g}]'
    return text


def ratio_of(row, engine, other):
    return row['engines'].get(engine, {}).get('ratio', {}).get(other)


def seconds_text(entry):
    if entry is None:
        return ''
    text = f'{milliseconds(entry["median"])} ({milliseconds(entry["min"])})'
    if entry['interval'] is not None:
        text += f' ± {milliseconds(entry["interval"])}'
    return text


def names(document):
    return [engine['name'] for engine in document['engines']]


def kinds(document):
    return list(dict.fromkeys(row['kind'] for row in document['rows']))


def table_of_means(document, base):
    """Rows of geometric means per class, in relation to `base`."""
    engines = [name for name in names(document) if name != base]
    rows = []
    for kind in kinds(document):
        means = document['geometric_means'].get(kind, {})
        values = [means.get(engine, {}).get(base) for engine in engines]
        if any(value is not None for value in values):
            rows.append([kind] + ['' if v is None else f'{v:.3g}' for v in values])
    return [['class'] + engines] + rows


def table_of_ratios(document, base):
    engines = [name for name in names(document) if name != base]
    rows = [[row['workload']] + [ratio_text(ratio_of(row, e, base)) for e in engines]
            for row in document['rows'] if base in row['engines']]
    return [['workload'] + engines] + rows


def table_of_seconds(document):
    rows = [[row['workload']] + [seconds_text(row['engines'].get(e)) for e in names(document)]
            for row in document['rows']]
    return [['ms: median (min) ± 95 %'] + names(document)] + rows


def table_of_counters(document):
    engines = [e for e in document['engines'] if e['counters']]
    keys = sorted({key for e in engines for key in e['counters']})
    return [['counter'] + [e['name'] for e in engines]] + [
        [key] + [str(e['counters'].get(key, '')) for e in engines] for key in keys]


def sections(document):
    """(title, table) for all that a report holds."""
    found = []
    for base in ('native', 'qemu'):
        if base in names(document) and len(names(document)) > 1:
            found.append((f'Geometric mean of time in relation to {base}, by class',
                          table_of_means(document, base)))
            found.append((f'Time in relation to {base}: median of the rounds [95 % interval]',
                          table_of_ratios(document, base)))
    found.append(('Times', table_of_seconds(document)))
    return found


def heading_lines(document):
    host = document['host']
    lines = [f'{document["date"]}; {host["cpu"]}, {host["cpus"]} CPUs; {host["system"]}; '
             f'guest programs by {host["compiler"]}; clock: {document["clock"]}']
    for engine in document['engines']:
        note = f' ({engine["note"]})' if engine['note'] else ''
        lines.append(f'{engine["name"]}: {engine["version"]}{note}')
    return lines


def problem_lines(document):
    lines = [f'{f["engine"]}, {f["workload"]}: {f["text"]}' for f in document['failures']]
    for item in document['disagreements']:
        sums = '; '.join(f'{c["checksum"]} after {c["iterations"]} on {", ".join(c["engines"])}'
                         for c in item['checksums'])
        lines.append(f'{item["workload"]}: checksums differ: {sums}')
    return lines


def markdown_table(table):
    lines = ['| ' + ' | '.join(table[0]) + ' |',
             '|' + '---|' + '---:|' * (len(table[0]) - 1)]
    return '\n'.join(lines + ['| ' + ' | '.join(row) + ' |' for row in table[1:]])


def markdown(document):
    parts = ['# Benchmark report', '\n'.join('- ' + line for line in heading_lines(document))]
    problems = problem_lines(document)
    if problems:
        parts.append('## Problems\n\n' + '\n'.join('- ' + line for line in problems))
    for title, table in sections(document):
        parts.append(f'## {title}\n\n{markdown_table(table)}')
    return '\n\n'.join(parts) + '\n'


def html_table(table):
    def cells(row, tag):
        return ''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in row)
    lines = [f'<tr>{cells(table[0], "th")}</tr>']
    return '<table>' + '\n'.join(
        lines + [f'<tr>{cells(row, "td")}</tr>' for row in table[1:]]) + '</table>'


def axis(scale, height, low, high):
    """Vertical lines at powers of ten of a logarithmic axis."""
    parts, value = [], 1e-4
    while value <= high:
        if value >= low:
            x = scale(value)
            parts.append(f'<line x1="{x:.1f}" y1="14" x2="{x:.1f}" y2="{height}" stroke="#ccc"/>'
                         f'<text x="{x:.1f}" y="11" font-size="10" text-anchor="middle">'
                         f'{value:g}</text>')
        value *= 10
    return ''.join(parts)


def bar(scale, y, colour, ratio, title):
    """One ratio: from 1 to the median, with the confidence interval as a line."""
    from_x, to_x = sorted((scale(1), scale(ratio['median'])))
    parts = [f'<rect x="{from_x:.1f}" y="{y}" width="{max(to_x - from_x, 1):.1f}" '
             f'height="{BAR - 2}" fill="{colour}"><title>{html.escape(title)}</title></rect>']
    if ratio['low'] is not None and math.isfinite(ratio['high']):
        middle = y + BAR / 2 - 1
        parts.append(f'<line x1="{scale(ratio["low"]):.1f}" y1="{middle}" '
                     f'x2="{scale(ratio["high"]):.1f}" y2="{middle}" stroke="#000"/>')
    return ''.join(parts)


def chart(document, base):
    """Bars of all ratios to `base` on a logarithmic axis, as SVG."""
    engines = [name for name in names(document) if name != base]
    rows = [row for row in document['rows'] if base in row['engines']]
    ratios = [ratio_of(row, e, base) for row in rows for e in engines]
    values = [r['median'] for r in ratios if r] + [1]
    low = 10 ** math.floor(math.log10(min(values)))
    high = 10 ** math.ceil(math.log10(max(values) * 1.0001))

    def scale(value):
        share = math.log(min(max(value, low), high) / low) / math.log(high / low)
        return LABEL + share * (WIDTH - LABEL - 10)
    y, parts = 20, []
    for row in rows:
        parts.append(f'<text x="{LABEL - 6}" y="{y + 10}" font-size="11" text-anchor="end">'
                     f'{html.escape(row["workload"])}</text>')
        for engine in engines:
            ratio = ratio_of(row, engine, base)
            if ratio:
                title = f'{row["workload"]}, {engine}: {ratio_text(ratio)}'
                parts.append(bar(scale, y, COLOURS[engines.index(engine) % len(COLOURS)], ratio,
                                 title))
            y += BAR
        y += GAP
    legend = ' '.join(f'<span style="color:{COLOURS[i % len(COLOURS)]}">■</span> {html.escape(e)}'
                      for i, e in enumerate(engines))
    return (f'<p>{legend}</p><svg width="{WIDTH}" height="{y}">{axis(scale, y, low, high)}'
            f'{"".join(parts)}</svg>')


def page(document):
    parts = ['<!doctype html><meta charset="utf-8"><title>Benchmark report</title>',
             f'<style>{STYLE}</style><h1>Benchmark report</h1>']
    parts += [f'<p>{html.escape(line)}</p>' for line in heading_lines(document)]
    parts += [f'<p class="bad">{html.escape(line)}</p>' for line in problem_lines(document)]
    for base in ('native', 'qemu'):
        if base in names(document) and len(names(document)) > 1:
            parts += [f'<h2>Time in relation to {base}</h2>', chart(document, base)]
    for title, table in sections(document):
        parts += [f'<h2>{html.escape(title)}</h2>', html_table(table)]
    if any(engine['counters'] for engine in document['engines']):
        parts += ['<h2>Counters of the whole session</h2>',
                  html_table(table_of_counters(document))]
    return '\n'.join(parts) + '\n'


def write(document, output):
    with open(output + '.json', 'w', encoding='utf-8') as file:
        json.dump(document, file, indent=1)
    with open(output + '.md', 'w', encoding='utf-8') as file:
        file.write(markdown(document))
    with open(output + '.html', 'w', encoding='utf-8') as file:
        file.write(page(document))
