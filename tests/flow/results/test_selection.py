"""Conditions and sorting: the same answers of both databases, and of the conditions of sweeps."""

from dataclasses import replace

import pytest
from run_records import run_record

from da4ml_flow.config.condition import Condition
from da4ml_flow.errors import ResultsError
from da4ml_flow.results.metrics import measure
from da4ml_flow.results.selection import Selection
from da4ml_flow.results.store import Store

REGISTERS = {'input_registers': True}
RUNS = {  # uid: name, status, LUTs of synthesis and of two seeds, configuration
    'a': ('jet', 'ok', 10, (12, 99), {'rtl': {'clock_ns': 5}, 'optimizer': {'effort': 'fast'}, 'lint': None}),
    'b': (
        'jet',
        'no',
        20,
        (18,),
        {'rtl': {'clock_ns': 2.5, 'pipeline': {'input_registers': True}}, 'optimizer': {'effort': 'max'}},
    ),
    'c': ('top', 'ok', 30, (), {'rtl': {'clock_ns': '5'}, 'lint': {'tool': 'verilator'}}),
    'd': ('top', 'failed', None, (), {}),
}


@pytest.fixture
def store(place) -> Store:
    store = Store(place, create=True)
    for day, (uid, (name, status, luts, seeds, config)) in enumerate(RUNS.items(), 1):
        first, second = run_record().stages
        record = first.record
        if luts is None:
            stages = ()
        else:
            metrics = (measure('luts', luts, stage='synthesize'), measure('lut_estimate', luts, stage='synthesize'))
            placed = tuple(measure('luts', value, stage='implement', part=f'seed {value}') for value in seeds)
            stages = (
                replace(first, record=replace(record, metrics=metrics)),
                replace(second, record=replace(record, stage='implement', metrics=placed)),
            )
        changes = {'name': name, 'status': status, 'config': config, 'stages': stages}
        store.record(run_record(uid, started=f'2026-01-0{day}', **changes))
    return store


def uids(store: Store, *conditions: str, **changes) -> str:
    return ''.join(run.uid for run in store.runs(Selection(conditions=conditions, **changes)))


@pytest.mark.parametrize(
    ('condition', 'expected'),
    [
        ('luts < 25', 'ba'),
        ('luts >= 20', 'cb'),
        ('25 > luts', 'ba'),
        ('10 < luts < 30', 'b'),
        ('luts/implement < 15', 'a'),
        ('luts/implement > 50', ''),  # another seed is not what stands for the run
        ('luts/implement < luts/synthesize', 'b'),
        ('luts/implement - luts/synthesize == 2', 'a'),
        ('luts / 3 < 4', 'a'),
        ('luts in [10, 30]', 'ca'),
        ('not luts < 25', 'dc'),
        ('luts == null', 'd'),
        ('luts/implement != null', 'ba'),
        ('name == "jet" and status == "ok"', 'a'),
        ('name == "jet" or luts == 30', 'cba'),
        ('name in ["top"]', 'dc'),
        ('name not in ["top"]', 'ba'),
        ('started >= "2026-01-03"', 'dc'),
        ('wall_s > 100', ''),
        ('git_dirty == true', 'dcba'),
        ('git_dirty', 'dcba'),
        ('rtl.clock_ns == 5', 'a'),  # text is no number
        ('rtl.clock_ns < 4', 'b'),
        ('rtl.clock_ns / 2 == 2.5', 'a'),
        ('rtl.clock_ns * luts == 50', 'ba'),
        ('rtl.pipeline.input_registers == true', 'b'),
        ('rtl.pipeline.input_registers', 'b'),
        ('optimizer.effort == "fast"', 'a'),
        ('optimizer.effort in ["fast", "max"]', 'ba'),
        ('optimizer.effort == null', 'dc'),
        ('lint == null', 'dba'),
        ('luts == -1', ''),
        ('true', 'dcba'),
    ],
)
def test_conditions(store, condition, expected):
    assert uids(store, condition) == expected


def test_conditions_on_the_configuration_are_those_of_sweeps(store):
    for text in (
        'rtl.clock_ns == 5',
        'rtl.clock_ns < 4',
        'optimizer.effort == null',
        'not rtl.clock_ns > 3',
        'lint == null',
    ):
        expected = [uid for uid in 'dcba' if Condition(text).holds(RUNS[uid][4])]
        assert uids(store, text) == ''.join(expected), text


def test_several_conditions_all_hold(store):
    assert uids(store, 'luts < 25', 'status == "no"') == 'b'
    assert uids(store, 'luts < 25', name='jet', limit=1) == 'b'


def test_sorting_puts_what_was_not_measured_last(store):
    assert uids(store, sort_by='luts') == 'abcd'
    assert uids(store, sort_by='luts', descending=True) == 'cbad'
    assert uids(store, sort_by='luts/implement', limit=3) == 'abd'
    assert uids(store, sort_by='started') == 'abcd'
    assert uids(store, sort_by='name', descending=True) == 'dcba'


@pytest.mark.parametrize(
    ('condition', 'message'),
    [
        ('status == ok', r"no figure, fact or section 'ok'"),
        ('lutz < 5', r"no figure, fact or section 'lutz'"),
        ('optimiser.effort == 1', r"no figure, fact or section 'optimiser'"),
        ('optimizer.efort == 1', r"no key 'efort' in optimizer"),
        ('status = 1', 'it cannot be read'),
        ('luts', 'x'),
        ('5', 'it is no comparison'),
        ('open("x")', 'Call is not allowed'),
        ('name < null', 'neither more nor less'),
        ('name in "jet"', 'is for lists'),
        ('name == "x"; DROP TABLE run', 'it cannot be read'),
    ],
)
def test_what_is_no_condition(tmp_path, condition, message):
    store = Store(tmp_path / 'r.sqlite', create=True)
    if condition == 'luts':
        assert store.runs(Selection(conditions=(condition,))) == []
        return
    with pytest.raises(ResultsError, match=message) as caught:
        store.runs(Selection(conditions=(condition,)))
    assert 'where' in caught.value.message


def test_an_unknown_key_to_sort_by(tmp_path):
    with pytest.raises(ResultsError, match="cannot be sorted by 'lut'") as caught:
        Store(tmp_path / 'r.sqlite', create=True).runs(Selection(sort_by='lut'))
    assert caught.value.hint == "did you mean 'luts'?"


def test_texts_in_conditions_are_values_not_sql(store):
    assert uids(store, '''name == "' OR 1=1 --"''') == ''
    assert uids(store, '''optimizer.effort == "'); DROP TABLE run; --"''') == ''
    assert uids(store) == 'dcba'
