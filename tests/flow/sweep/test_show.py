"""The Pareto front, and a sweep as table, CSV and page; the sweeps that we ship."""

import csv
import io
import itertools
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from da4ml_flow.config.load import load_config
from da4ml_flow.report.export import write_csv
from da4ml_flow.results.metrics import measure
from da4ml_flow.runner.build import standard_stages
from da4ml_flow.sweep.campaign import plan_of
from da4ml_flow.sweep.pareto import Objective, front
from da4ml_flow.sweep.point import PointRecord
from da4ml_flow.sweep.show import front_table, page, point_rows

SWEEPS = Path(__file__).parents[3] / 'configs' / 'sweeps'
GOALS = (Objective('accuracy'), Objective('luts'))


def record(number, accuracy, luts, **changes):
    metrics = (measure('accuracy', accuracy, stage='collect'), measure('luts', luts, stage='synthesize'))
    values = {'rtl.clock_ns': number, 'rtl.top': '</script><b>'}
    fields = (f'{number:064}', values, 'ok', 'full', f'run{number}', '', 0, metrics, 1.0, 'h', '2026-01-01T00:00:00')
    return PointRecord(*fields) if not changes else PointRecord(*fields[:2], changes['status'], *fields[3:])


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12))
def test_the_front_is_what_no_other_point_beats(figures):
    records = [record(number, accuracy, luts) for number, (accuracy, luts) in enumerate(figures)]
    expected = {
        number
        for number, (accuracy, luts) in enumerate(figures)
        if not any(a >= accuracy and b <= luts and (a, b) != (accuracy, luts) for a, b in figures)
    }
    assert {item.values['rtl.clock_ns'] for item in front(records, GOALS)} == expected


RECORDS = [record(1, 90, 100), record(2, 95, 200), record(3, 89, 150), record(4, 99, 1, status='failed')]


def test_the_table_shows_what_varies(tmp_path):
    table = front_table(RECORDS, (*GOALS, Objective('fmax_mhz')), 'a sweep')
    assert table.headers == ('rtl.clock_ns', 'accuracy', 'LUTs', 'run')
    assert table.rows == (('2', '95.00 %', '200', 'run2'), ('1', '90.00 %', '100', 'run1'))


def test_csv_has_every_point():
    file = io.BytesIO()
    write_csv(point_rows(RECORDS, GOALS), file)
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode())))
    assert len(rows) == len(RECORDS)
    assert [row['front'] for row in rows] == ['1', '1', '0', '0']
    assert [row['luts/synthesize'] for row in rows] == ['100', '200', '150', '1']
    assert rows[3]['status'] == 'failed'


class Data(HTMLParser):
    """The text of the element that holds the data, and the addresses that the page names."""

    text, inside, links = '', False, ()

    def handle_starttag(self, tag, attributes):
        self.inside = ('id', 'data') in attributes
        self.links = (*self.links, *(value for key, value in attributes if key in ('src', 'href')))

    def handle_data(self, data):
        if self.inside:
            self.text += data
            self.inside = False


def test_the_page_holds_its_data_and_needs_no_network():
    text = page(RECORDS, GOALS, 'a <b> & c')
    parser = Data()
    parser.feed(text)
    data = json.loads(parser.text)
    assert [point['front'] for point in data['points']] == [True, True, False, False]
    assert data['points'][0]['values']['rtl.top'] == '</script><b>'
    assert data['objectives'] == ['accuracy', 'luts']
    assert parser.links == ()
    assert '<title>a &lt;b&gt; &amp; c</title>' in text


def test_of_too_many_points_the_page_draws_the_front_and_some_others(monkeypatch):
    monkeypatch.setattr('da4ml_flow.sweep.show.MOST_DRAWN', 10)
    records = [record(number, 50, 1000 + number) for number in range(90)]
    records += [record(number, 50 + number, number) for number in range(90, 94)]
    parser = Data()
    parser.feed(page(records, GOALS, 'many'))
    data = json.loads(parser.text)
    assert data['total'] == 94
    assert len(data['points']) == 10
    assert [point['run'] for point in data['points'] if point['front']] == ['run90', 'run91', 'run92', 'run93']
    assert [point['run'] for point in data['points']][:3] == ['run0', 'run15', 'run30']


@pytest.mark.parametrize(('name', 'count'), [('digits_hgq2', 20), ('digits_bits', 24)])
def test_the_sweeps_that_we_ship_are_whole(name, count, tmp_path):
    plan = plan_of(load_config(SWEEPS / f'{name}.yaml'), tmp_path, standard_stages())
    points = [point for point, _ in plan.points()]
    assert len({point.key for point in points}) == count
    assert not any(point.error for point in points)
    families = [point.family for point in points]
    assert len(list(itertools.groupby(sorted(families)))) == {'digits_hgq2': 5, 'digits_bits': 24}[name]


def test_the_models_that_we_ship_for_sweeps_are_small():
    files = [path for path in SWEEPS.rglob('*') if path.is_file()]
    made = ('build', 'results')  # by sweeps that were run here
    shipped = [path for path in files if path.relative_to(SWEEPS).parts[0] not in made]
    assert any(path.suffix == '.keras' for path in shipped)
    assert sum(path.stat().st_size for path in shipped) < 1_000_000
