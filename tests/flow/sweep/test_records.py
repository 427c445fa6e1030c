"""Packed records: what comes out is what went in, less what no report shows."""

import tracemalloc
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from da4ml_flow.results.metrics import measure
from da4ml_flow.sweep.point import PointRecord
from da4ml_flow.sweep.records import Records

WANTED = frozenset({'luts', 'accuracy', 'latency_ns'})
VALUES = st.sampled_from([None, True, False, 0, -5, 2**70, 2.5, 5.0, 'a.keras', ''])
FIGURES = st.sampled_from([0, 7, 2**40, 0.0, 7.0, -0.1, 1e9])


def record(number, values, figures, **changes):
    metrics = tuple(measure(name, value, stage='synthesize', part='xcup') for name, value in figures)
    fields = (f'{number:064x}', values, 'ok', 'full', f'run{number}', '', 0, metrics, 1.5, 'host', '2026-01-01T00:00')
    return replace(PointRecord(*fields), **changes)


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(['rtl.clock_ns', 'rtl.top']), VALUES),
            st.lists(st.tuples(st.sampled_from(sorted(WANTED)), FIGURES), max_size=3),
        ),
        max_size=4,
    )
)
def test_records_come_out_as_they_went_in(given_records):
    packed = Records(WANTED)
    expected = [record(number, *item) for number, item in enumerate(given_records)]
    for item in expected:
        packed.append(item)
    assert list(packed) == expected == [packed[place] for place in range(len(packed))]
    for old, new in zip(expected, packed, strict=True):
        assert [type(metric.value) for metric in old.metrics] == [type(metric.value) for metric in new.metrics]
        assert list(old.values) == list(new.values)


def test_what_no_report_shows_is_left_out():
    packed = Records(WANTED)
    packed.append(
        record(1, {}, [('adders', 3), ('luts', 4)], status='pruned', message='x' * 9999, prune={'margin': 10})
    )
    (found,) = packed
    assert [metric.name for metric in found.metrics] == ['luts']
    assert (found.status, found.prune, len(found.message)) == ('pruned', {'margin': 10}, 500)
    assert packed[:1] == [found]


def test_a_record_takes_less_than_a_kilobyte():
    figures = [('luts', 4), ('accuracy', 90.5), ('latency_ns', 20.0)]
    packed = Records(WANTED)
    tracemalloc.start()
    try:
        for number in range(2000):
            packed.append(record(number, {'rtl.clock_ns': 5, 'optimizer.extra_depth': 1}, figures))
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used / 2000 < 1000
