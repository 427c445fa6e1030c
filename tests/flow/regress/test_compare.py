"""Verdicts: comparisons, tolerances, what is missing or ambiguous, and the first stage that changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from da4ml_flow.errors import ConfigError, ToolFailed
from da4ml_flow.regress.baseline import Rule, Tolerance, load_baseline, save_baseline
from da4ml_flow.regress.compare import _check, compare
from da4ml_flow.results.metrics import measure

A, B = 'a' * 64, 'b' * 64


@pytest.mark.parametrize(
    ('metric', 'rule', 'now', 'verdict'),
    [
        ('adders', {'value': 100}, 100, 'ok'),
        ('adders', {'value': 100}, 101, 'worse'),
        ('adders', {'value': 100}, 99, 'better'),
        ('adders', {'value': 100, 'tolerance': 5}, 105, 'ok'),
        ('adders', {'value': 100, 'tolerance': 5}, 106, 'worse'),
        ('adders', {'value': 200, 'tolerance': '2.5 %'}, 205, 'ok'),
        ('adders', {'value': 200, 'tolerance': '2.5%'}, 206, 'worse'),
        ('adders', {'value': 100, 'compare': '=='}, 99, 'worse'),
        ('adders', {'value': 100, 'compare': '==', 'tolerance': 1}, 99, 'ok'),
        ('adders', {'value': None}, 99, 'unset'),
        ('accuracy', {'value': 95.0}, 94.9, 'worse'),
        ('accuracy', {'value': 95.0}, 95.1, 'better'),
        ('accuracy', {'value': 0.3}, 0.1 + 0.2, 'ok'),
        ('wns_ns', {'value': 0.1, 'tolerance': '4 % of period'}, -0.1, 'ok'),  # 0.2 of 5 ns
        ('wns_ns', {'value': 0.1, 'tolerance': '4 % of period'}, -0.11, 'worse'),
        ('wns_ns', {'value': -0.5, 'tolerance': '10 %'}, -0.55, 'ok'),
        ('clock_ns', {'value': 5.0}, 4.0, 'worse'),  # no direction is better: it must not change
    ],
)
def test_verdict(compared, metric, rule, now, verdict):
    (check,) = compared({metric: rule}, {metric: now}).checks
    assert check.verdict == verdict
    assert check.failed == (verdict in ('worse', 'unset'))


def test_a_warning_does_not_fail(compared):
    found = compared({'adders': {'value': 1, 'level': 'warning'}}, {'adders': 2})
    assert (found.checks[0].bad, found.checks[0].failed, found.exit_code) == (True, False, 0)


def test_what_is_missing_fails_and_what_is_new_is_told(compared):
    found = compared({'luts': {'value': 1}}, {'adders': 2})
    assert [(check.key, check.verdict) for check in found.checks] == [('luts', 'missing')]
    assert [metric.name for metric in found.unruled] == ['adders']
    assert found.exit_code == 1
    assert found.relaxed() == {}  # there is nothing to relax it to


def test_stages_and_parts_choose_the_figure(compared):
    figures = {'luts/synthesize/xcup': 10, 'luts/implement/ecp5': 20, 'fmax_mhz/implement/ecp5': 100}
    figures['fmax_mhz/implement/ecp5 seed 2'] = 90
    found = compared(
        {
            'luts/synthesize': {'value': 10},
            'luts/implement/ecp5': {'value': 19},
            'fmax_mhz': {'value': 100},  # the median, which comes before its seeds
            'fmax_mhz/implement/ecp5 seed 2': {'value': 95},
            'luts/synthesize/ecp5': {'value': 1},
        },
        figures,
    )
    assert [check.verdict for check in found.checks] == ['ok', 'worse', 'ok', 'worse', 'missing']


def test_a_metric_of_two_stages_must_say_which(compared):
    with pytest.raises(ConfigError) as caught:
        compared({'luts': {'value': 10}}, {'luts/synthesize/xcup': 10, 'luts/implement/ecp5': 20})
    assert 'luts is measured by 2 stages' in str(caught.value)
    assert 'write luts/synthesize or luts/implement' in str(caught.value)
    assert 'tiny.base.json:1 (rules.luts)' in str(caught.value)


def test_a_stage_that_says_no_is_a_regression(compared):
    found = compared({'adders': {'value': 2}}, {'adders': 2}, no=['simulate'])
    assert [(check.key, check.text) for check in found.checks if check.failed] == [
        ('build/simulate', 'one bit is wrong')
    ]
    assert found.exit_code == 1


def test_a_failed_tool_is_worse_than_a_regression(compared):
    found = compared({'adders': {'value': 2}}, {}, errors=[ToolFailed('yosys failed')])
    assert (found.exit_code, found.status) == (3, 'failed')


@pytest.mark.parametrize(
    ('recorded', 'now', 'stage', 'words'),
    [
        ({'program': A, 'rtl': A}, {'program': 'b', 'rtl': 'b'}, 'trace', 'first change: stage trace (its program)'),
        ({'program': A, 'rtl': A}, {'program': 'a', 'rtl': 'b'}, 'emit', 'first change: stage emit (its rtl)'),
        ({'program': A, 'rtl': A, 'netlist': A},
         {'program': 'a', 'rtl': 'a', 'netlist': 'b'},
         'synthesize', 'first change: stage synthesize (its netlist)'),
        ({'program': A}, {'program': 'a', 'rtl': 'b'}, None, 'no recorded artifact changed'),
        ({}, {'program': 'a'}, None, 'first change: unknown, the baseline has no hashes'),
    ],
)  # fmt: skip
def test_the_first_stage_that_changed(compared, recorded, now, stage, words):
    found = compared({'adders': {'value': 1}}, {'adders': 2}, now, hashes=recorded)
    assert (found.first_change, found.origin) == (stage, words)


def test_relaxing_touches_what_fails_and_tightening_what_improved(write, run_of):
    rules = {'adders': {'value': 10}, 'ops': {'value': 10}, 'depth': {'value': 3}, 'ii': {'value': 1, 'tolerance': 1}}
    path = write(rules)
    run = run_of({'adders': 12, 'ops': 8, 'depth': 3, 'ii': 2})
    found = compare(load_baseline(path), run, 5.0)
    assert (found.relaxed(), found.tightened()) == ({'adders': 12}, {'ops': 8})
    save_baseline(found.baseline, found.relaxed() | found.tightened(), {})
    again = compare(load_baseline(path), run, 5.0)
    assert (again.relaxed(), again.tightened(), again.exit_code) == ({}, {}, 0)


@given(
    value=st.floats(-1e9, 1e9),
    now=st.floats(-1e9, 1e9),
    amount=st.floats(0, 1e3),
    of=st.sampled_from(['unit', 'value', 'period']),
    compare=st.sampled_from(['<=', '>=', '==']),
)
def test_a_relaxed_or_tightened_rule_holds_for_what_was_measured(value, now, amount, of, compare):
    metric = measure('wns_ns', now, stage='implement')
    for baseline in (value, now):
        rule = Rule('wns_ns', baseline, compare, Tolerance(amount, of), 'error', 1)
        check = _check(rule, metric, 5.0)
        if baseline == now:
            assert check.verdict == 'ok'
        if check.verdict == 'better':  # tightening never lets a worse figure in
            assert (now < baseline) == (compare == '<=')
            assert compare != '=='


SEEDS = {
    'fmax_mhz/implement/ecp5': 100.0,
    'fmax_mhz/implement/ecp5 seed 1': 96.0,
    'fmax_mhz/implement/ecp5 seed 2': 104.0,
}


@pytest.mark.parametrize(
    ('value', 'tolerance', 'verdict'),
    [(107, '1 spread', 'ok'), (109, 'spread', 'worse'), (111, '1.5 spread', 'ok'), (101, 0, 'worse')],
)
def test_the_spread_over_seeds_is_a_tolerance(compared, value, tolerance, verdict):
    done = compared({'fmax_mhz': {'value': value, 'tolerance': tolerance}}, SEEDS)
    (check,) = done.checks
    assert check.verdict == verdict
    assert '(2 seeds: 96 to 104)' in check.text
    assert done.unruled == ()
