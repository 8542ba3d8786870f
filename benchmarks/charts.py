"""Charts as SVG text, with no library and no script: they are part of a report's HTML page."""
import html
import math

COLOURS = ('#4c78a8', '#f58518', '#54a24b', '#b279a2', '#e45756', '#72b7b2', '#9d755d', '#eeca3b',
           '#79706e', '#d67195', '#bab0ac', '#439894')
LABEL, WIDTH, BAR, GAP = 170, 960, 11, 8


def escape(text):
    return html.escape(str(text))


def text(x, y, words, size=11, anchor='start', extra=''):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"{extra}>'
            f'{escape(words)}</text>')


def line(x1, y1, x2, y2, colour='#ccc', extra=''):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"'
            f'{extra}/>')


def box(x, y, width, height, colour, title):
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" '
            f'fill="{colour}"><title>{escape(title)}</title></rect>')


def svg(width, height, parts):
    return (f'<svg width="{width}" height="{height:.0f}" viewBox="0 0 {width} {height:.0f}" '
            f'font-family="sans-serif">{"".join(parts)}</svg>')


def legend(names, colours=COLOURS):
    items = [f'<span><i style="background:{colours[i % len(colours)]}"></i>{escape(name)}</span>'
             for i, name in enumerate(names)]
    return f'<p class="legend">{"".join(items)}</p>'


def short(value):
    return f'{value:.0f}' if value >= 100 else f'{value:.2g}'


def log_scale(low, high, start, end):
    def scale(value):
        share = math.log(min(max(value, low), high) / low) / math.log(high / low)
        return start + share * (end - start)
    return scale


def decades(low, high):
    value = 10.0 ** math.floor(math.log10(low) + 1e-9)
    while value <= high * 1.0001:
        if value >= low * 0.9999:
            yield value
        value *= 10


def ratio_bars(rows, series, note):
    """Groups of bars from 1 to a ratio, on a logarithmic axis. rows: (label, [(value, low, high) or
    None for each of `series`]); `note` says what the line at 1 is."""
    values = [v for _, bars in rows for bar in bars if bar for v in bar if v and math.isfinite(v)]
    if not values:
        return ''
    low = min(10.0 ** math.floor(math.log10(min(values))), 0.5)
    high = max(10.0 ** math.ceil(math.log10(max(values))), 2.0)
    scale = log_scale(low, high, LABEL, WIDTH - 60)
    height = 34 + len(rows) * (len(series) * BAR + GAP)
    parts = []
    for value in decades(low, high):
        parts.append(line(scale(value), 26, scale(value), height))
        parts.append(text(scale(value), 22, f'{value:g}', 10, 'middle'))
        for step in (2, 5):
            if value * step < high:
                parts.append(line(scale(value * step), 26, scale(value * step), height, '#eee'))
    parts.append(line(scale(1), 26, scale(1), height, '#444'))
    parts.append(text(scale(1), 10, note, 10, 'middle'))
    y = 32
    for label, bars in rows:
        parts.append(text(LABEL - 6, y + (len(bars) * BAR + 8) / 2, label, 11, 'end'))
        for index, bar in enumerate(bars):
            if bar:
                parts.append(ratio_bar(scale, y, COLOURS[index % len(COLOURS)],
                                       bar, f'{label}, {series[index]}: '))
            y += BAR
        y += GAP
    return legend(series) + svg(WIDTH, height, parts)


def ratio_bar(scale, y, colour, bar, title):
    value, low, high = bar
    left, right = sorted((scale(1), scale(value)))
    title += f'{value:.3g}' + (f' [{low:.3g}, {high:.3g}]' if low else '')
    parts = [box(left, y, right - left, BAR - 2, colour, title)]
    if low and math.isfinite(high):
        middle = y + BAR / 2 - 1
        parts.append(line(scale(low), middle, scale(high), middle, '#222'))
    parts.append(text(max(right, scale(high or value)) + 3, y + BAR - 3, short(value), 9))
    return ''.join(parts)


def share_bars(rows, series, colours=COLOURS, unit=''):
    """One bar a row, divided among `series`. rows: (label, [values], note behind the bar)."""
    height, y, parts = 24 + len(rows) * (BAR + 6), 22, []
    start, end = LABEL, WIDTH - 130
    for percent in range(0, 101, 20):
        x = start + (end - start) * percent / 100
        parts += [line(x, 16, x, height), text(x, 12, f'{percent} %', 10, 'middle')]
    for label, values, note in rows:
        total, x = sum(values), start
        parts.append(text(LABEL - 6, y + BAR - 1, label, 11, 'end'))
        for index, value in enumerate(values):
            width = (end - start) * value / total if total else 0
            if width > 0.2:
                title = f'{label}, {series[index]}: {100 * value / total:.1f} % ({value:.4g}{unit})'
                parts.append(box(x, y, width, BAR, colours[index % len(colours)], title))
            x += width
        parts.append(text(end + 6, y + BAR - 1, note, 10))
        y += BAR + 6
    return legend(series, colours) + svg(WIDTH, height, parts)


def curves(lines, points, labels, size=(WIDTH, 380)):
    """Lines over two logarithmic axes. lines: (name, [(x, y)]); points: (x, y, words), marked;
    labels: of the x and the y axis."""
    xs = [x for _, line_points in lines for x, _ in line_points]
    ys = [y for _, line_points in lines for _, y in line_points]
    width, height = size
    x_of = log_scale(min(xs), max(xs), 80, width - 30)
    y_low = 10.0 ** math.floor(math.log10(min(ys)))
    y_high = 10.0 ** math.ceil(math.log10(max(ys)))
    y_of = log_scale(y_low, y_high, height - 46, 16)
    parts = []
    for value in decades(min(xs), max(xs)):
        parts += [line(x_of(value), 16, x_of(value), height - 46),
                  text(x_of(value), height - 30, f'{value:g}', 10, 'middle')]
    for value in decades(y_low, y_high):
        parts += [line(80, y_of(value), width - 30, y_of(value)),
                  text(74, y_of(value) + 4, f'{value:g}', 10, 'end')]
    parts.append(text((width + 50) / 2, height - 8, labels[0], 12, 'middle'))
    parts.append(text(16, height / 2, labels[1], 12, 'middle',
                      f' transform="rotate(-90 16 {height / 2})"'))
    for index, (_, line_points) in enumerate(lines):
        path = ' '.join(f'{x_of(x):.1f},{y_of(y):.1f}' for x, y in line_points)
        parts.append(f'<polyline points="{path}" fill="none" stroke-width="2" '
                     f'stroke="{COLOURS[index % len(COLOURS)]}"/>')
    for x, y, words in points:
        parts.append(f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="4" fill="#222"/>')
        parts.append(text(x_of(x) + 7, y_of(y) - 6, words, 11))
    return legend([name for name, _ in lines]) + svg(width, height, parts)
