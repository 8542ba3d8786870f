#!/usr/bin/env python3
"""The benchmark runner's arithmetic, tables of workloads, and charts; without a guest.

Usage: test_reports.py ROOT
"""
import math
import os
import sys
import unittest
import xml.etree.ElementTree

ROOT = sys.argv.pop() if len(sys.argv) > 1 else os.getcwd()
sys.path.insert(0, os.path.join(ROOT, 'benchmarks'))

import break_even
import charts
import engine
import image
import report
import statistics_of_runs as statistics

LOOP = image.Workload('loop', 'integer', 10, 'integer', None)


def run(seconds, checksum='1', iterations=10):
    return engine.Run(seconds, checksum, iterations, None)


class Results(unittest.TestCase):
    def setUp(self):
        self.results = statistics.Results(['native', 'bt', 'qemu'], 'wall')

    def test_ratios_compare_single_iterations_within_a_round(self):
        for round_number, native in enumerate((1.0, 4.0)):
            self.results.add('native', LOOP, round_number, run(native, iterations=40))
            self.results.add('bt', LOOP, round_number, run(native, iterations=20))
        ratio = self.results.row('loop')['engines']['bt']['ratio']['native']
        self.assertAlmostEqual(ratio['median'], 2)
        self.assertAlmostEqual(ratio['low'], 2)
        self.assertAlmostEqual(ratio['high'], 2)

    def test_a_round_that_one_engine_missed_is_no_pair(self):
        self.results.add('native', LOOP, 0, run(1.0))
        self.results.add('native', LOOP, 1, run(8.0))
        self.results.add('bt', LOOP, 1, run(16.0))
        ratio = self.results.row('loop')['engines']['bt']['ratio']['native']
        self.assertAlmostEqual(ratio['median'], 2)
        self.assertIsNone(ratio['low'])

    def test_checksums_need_agree_for_equal_iterations_only(self):
        self.results.note_sum('native', LOOP, run(1, 'a', 10))
        self.results.note_sum('bt', LOOP, run(1, 'b', 20))
        self.assertEqual(self.results.disagreements(), [])
        self.results.note_sum('qemu', LOOP, run(1, 'c', 20))
        found = self.results.disagreements()
        self.assertEqual([d['iterations'] for d in found], [20])

    def test_means_are_geometric(self):
        for name, seconds in (('a', 2.0), ('b', 8.0)):
            workload = LOOP._replace(name=name)
            self.results.add('native', workload, 0, run(1.0))
            self.results.add('bt', workload, 0, run(seconds))
        means = self.results.document()['geometric_means']
        self.assertAlmostEqual(means['integer']['bt']['native'], 4)


class Workloads(unittest.TestCase):
    def test_names_are_unique_and_iterations_known(self):
        found = image.list_workloads() + image.list_bare_workloads()
        self.assertGreater(len(found), 50)
        self.assertEqual(len({w.name for w in found}), len(found))
        self.assertTrue(all(w.iterations > 0 for w in found))

    def test_bare_workloads_are_numbered_as_in_the_image(self):
        with open(image.BARE, encoding='utf-8') as source:
            rows = [line for line in source if line.startswith('        workload ')]
        found = image.list_bare_workloads()
        self.assertEqual(len(found), len(rows))
        self.assertEqual([w.number for w in found], list(range(len(rows))))


class BreakEven(unittest.TestCase):
    INTERPRETED = {'instructions.total': 1000, 'cpu_seconds': 10e-6}
    TRANSLATED = {
        'instructions.total': 1000, 'instructions.interp': 100, 'instructions.translated': 900,
        'translator.blocks': 3, 'translator.guest_instructions_translated': 9,
        'translator.host_bytes': 90, 'time.translation_seconds': 4.5e-6,
        'parts.translated_seconds': 1.0e-6, 'parts.other_seconds': 0.8e-6,
        'parts.translator_seconds': 4.5e-6, 'parts.halted_seconds': 7.0, 'cpu_seconds': 6.3e-6}

    def test_it_is_what_translation_costs_by_what_an_execution_saves(self):
        costs = break_even.costs_of(self.INTERPRETED, self.TRANSLATED)
        self.assertAlmostEqual(costs['interpreter_ns'], 10)
        self.assertAlmostEqual(costs['translated_ns'], 2)
        self.assertAlmostEqual(costs['translation_ns'], 500)
        self.assertAlmostEqual(costs['break_even'], 500 / 8)
        self.assertAlmostEqual(costs['reuse'], 100)
        self.assertAlmostEqual(costs['instructions_per_block'], 3)

    def test_there_is_none_where_translated_code_is_slower(self):
        slow = {**self.INTERPRETED, 'cpu_seconds': 1e-6}
        self.assertIsNone(break_even.costs_of(slow, self.TRANSLATED)['break_even'])

    def test_reuse_is_summed_by_classes(self):
        rows = break_even.reuse_of({'reuse.blocks_1': 5, 'reuse.blocks_4': 2,
                                    'reuse.blocks_8': 1, 'reuse.instructions_8': 70})
        self.assertEqual(rows[0], (1, 5, 0))
        self.assertEqual(rows[2], (4, 3, 70))


class Charts(unittest.TestCase):
    def check(self, text):
        xml.etree.ElementTree.fromstring(f'<all>{text}</all>')

    def test_are_well_formed(self):
        self.check(charts.ratio_bars([('a<b', [(2, 1.5, math.inf), None])], ['x', 'y'], 'host'))
        self.check(charts.share_bars([('a', [1, 2], 'n'), ('b', [0, 0], '')], ['x', 'y']))
        self.check(charts.curves([('l', [(1, 1), (10, 100)])], [(1, 1, 'p')], ('x', 'y')))

    def test_times_are_shown_in_a_fitting_unit(self):
        self.assertEqual(report.duration_text(0.0125), '12.5 ms')
        self.assertEqual(report.duration_text(3e-9), '3 ns')


if __name__ == '__main__':
    unittest.main()
