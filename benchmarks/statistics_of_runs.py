"""Collects runs; medians, minima and confidence intervals, and ratios between engines."""
import math
import statistics

# Student's t for a two-sided 95 % interval, by degrees of freedom.
STUDENT = (0, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14,
           2.13)


def interval(values):
    """Half the width of the 95 % confidence interval of the mean; None for a single value."""
    if len(values) < 2:
        return None
    t = STUDENT[len(values) - 1] if len(values) <= len(STUDENT) else 1.96
    return t * statistics.stdev(values) / math.sqrt(len(values))


def ratio_of_rounds(numerator, denominator):
    """Median and 95 % interval (on logarithms) of ratios taken within each round."""
    logs = [math.log(a / b) for a, b in zip(numerator, denominator) if a > 0 and b > 0]
    if not logs:
        return None
    half = interval(logs)
    middle = statistics.median(logs)
    mean = statistics.mean(logs)
    return {'median': math.exp(middle),
            'low': math.exp(mean - half) if half is not None else None,
            'high': math.exp(mean + half) if half is not None else None}


def geometric_mean(values):
    return math.exp(statistics.mean(math.log(v) for v in values)) if values else None


class Results:
    def __init__(self, engine_names, clock):
        self.engine_names = engine_names
        self.clock = clock
        self.workloads = {}  # name -> kind
        self.runs = {}  # (workload, engine) -> list of Run
        self.failures = []

    def add(self, engine, workload, run):
        self.workloads.setdefault(workload.name, workload.kind)
        self.runs.setdefault((workload.name, engine), []).append(run)

    def note_failure(self, engine, workload, text):
        self.failures.append({'engine': engine, 'workload': workload, 'text': text})

    def disagreements(self):
        """Workloads whose checksum or iteration count is not the same on every engine."""
        found = []
        for name in self.workloads:
            sums = {}
            for engine in self.engine_names:
                for run in self.runs.get((name, engine), []):
                    sums.setdefault((run.checksum, run.iterations), set()).add(engine)
            if len(sums) > 1:
                found.append({'workload': name, 'checksums': [
                    {'checksum': key[0], 'iterations': key[1], 'engines': sorted(who)}
                    for key, who in sums.items()]})
        return found

    def duration(self, run):
        return run.cpu if self.clock == 'cpu' and run.cpu else run.seconds

    def row(self, name):
        row = {'workload': name, 'kind': self.workloads[name], 'engines': {}}
        seconds = {e: [self.duration(r) for r in self.runs.get((name, e), [])]
                   for e in self.engine_names}
        for engine, values in seconds.items():
            if not values:
                continue
            entry = {'seconds': values, 'median': statistics.median(values), 'min': min(values),
                     'interval': interval(values), 'ratio': {}}
            for other, base in seconds.items():
                if base and other != engine:
                    entry['ratio'][other] = ratio_of_rounds(values, base)
            row['engines'][engine] = entry
        return row

    def geometric_means(self, rows):
        """For each class: engine -> other engine -> geometric mean of the median ratios."""
        means = {}
        for kind in dict.fromkeys(row['kind'] for row in rows):
            means[kind] = {}
            for engine in self.engine_names:
                for other in self.engine_names:
                    ratios = [row['engines'][engine]['ratio'][other]['median'] for row in rows
                              if row['kind'] == kind and engine in row['engines']
                              and row['engines'][engine]['ratio'].get(other)]
                    if ratios:
                        means[kind].setdefault(engine, {})[other] = round(geometric_mean(ratios), 3)
        return means

    def document(self):
        rows = [self.row(name) for name in self.workloads]
        return {'rows': rows, 'geometric_means': self.geometric_means(rows),
                'disagreements': self.disagreements(), 'failures': self.failures}
