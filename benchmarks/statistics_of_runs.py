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
    """Median and 95 % interval (on logarithms) of the ratios within each round; both arguments
    are dictionaries by round."""
    logs = [math.log(value / denominator[key]) for key, value in numerator.items()
            if key in denominator]
    if not logs:
        return None
    half = interval(logs)
    mean = statistics.mean(logs)
    return {'median': math.exp(statistics.median(logs)),
            'low': math.exp(mean - half) if half is not None else None,
            'high': math.exp(mean + half) if half is not None else None}


def geometric_mean(values):
    return math.exp(statistics.mean(math.log(v) for v in values)) if values else None


class Results:
    """clock: 'wall' or 'cpu', whichever time is to be compared."""

    def __init__(self, engine_names, clock):
        self.engine_names = engine_names
        self.clock = clock
        self.workloads = {}  # name -> kind
        self.runs = {}  # (workload, engine) -> {round: Run}
        self.sums = {}  # workload -> {iterations -> {checksum -> set of engines}}
        self.counters = {}  # (workload, engine) -> {counter: difference}
        self.failures = []

    def duration(self, run):
        return run.cpu if self.clock == 'cpu' and run.cpu else run.seconds

    def note_sum(self, engine, workload, run):
        sums = self.sums.setdefault(workload.name, {}).setdefault(run.iterations, {})
        sums.setdefault(run.checksum, set()).add(engine)

    def add(self, engine, workload, round_number, run):
        self.workloads.setdefault(workload.name, workload.kind)
        self.runs.setdefault((workload.name, engine), {})[round_number] = run
        self.note_sum(engine, workload, run)

    def add_counters(self, engine, workload, counters):
        self.counters[workload.name, engine] = counters

    def note_failure(self, engine, workload, text):
        self.failures.append({'engine': engine, 'workload': workload, 'text': text})

    def disagreements(self):
        """Workloads that gave more than one checksum for one number of iterations."""
        return [{'workload': name, 'iterations': iterations,
                 'checksums': [{'checksum': checksum, 'engines': sorted(who)}
                               for checksum, who in found.items()]}
                for name, sums in self.sums.items()
                for iterations, found in sums.items() if len(found) > 1]

    def per_iteration(self, name, engine):
        """Seconds of one iteration, by round."""
        return {key: self.duration(run) / run.iterations
                for key, run in self.runs.get((name, engine), {}).items()}

    def row(self, name):
        row = {'workload': name, 'kind': self.workloads[name], 'engines': {}}
        times = {e: self.per_iteration(name, e) for e in self.engine_names}
        for engine, by_round in times.items():
            if not by_round:
                continue
            values = list(by_round.values())
            runs = list(self.runs[name, engine].values())
            entry = {'iterations': runs[-1].iterations, 'seconds_per_iteration': values,
                     'median': statistics.median(values), 'min': min(values),
                     'interval': interval(values),
                     'seconds': [run.seconds for run in runs], 'cpu': [run.cpu for run in runs],
                     'ratio': {other: ratio_of_rounds(by_round, base)
                               for other, base in times.items() if base and other != engine},
                     'counters': self.counters.get((name, engine), {})}
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
                        means[kind].setdefault(engine, {})[other] = round(geometric_mean(ratios), 4)
        return means

    def document(self):
        rows = [self.row(name) for name in self.workloads]
        return {'rows': rows, 'geometric_means': self.geometric_means(rows),
                'disagreements': self.disagreements(), 'failures': self.failures}
