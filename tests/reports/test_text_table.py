"""Framed tables: what fits its frame is read, everything else is refused with its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports import dialects

from da4ml_flow.eda.parsers.text_table import ReportText, Table, read_box, read_boxes
from da4ml_flow.errors import ReportParseError

TEXT = """\
before
+------+------+--------+
| Name | Used | Share  |
+------+------+--------+
| a|b* |    1 |  <0.01 |
|   c  | 1,234 |      |
+------+------+--------+
after""".replace('| 1,234 |      |', '|1,234 |        |')


def table(text: str, start: int = 2) -> Table:
    return read_box(ReportText(text, 'x.rpt', 'tool'), start).table()


def test_cells_are_cut_by_the_frame() -> None:
    found = table(TEXT)
    assert found.columns == ('Name', 'Used', 'Share')
    first, second = found.rows
    assert (first.line, first.name, first.depth) == (5, 'a|b', 0)
    assert (second.name, second.depth) == ('c', 2)
    assert found.count(second, 'Used') == 1234
    assert found.text(second, 'Share') == ''
    assert found.row('c', 'd') is second
    assert found.row('d') is None


@pytest.mark.parametrize(
    ('before', 'after', 'message', 'line'),
    [
        ('| a|b* |    1', '| a|b* |   1', 'does not fit the border', 5),
        ('| a|b* |', '| a|b*  ', 'does not fit the border', 5),
        ('|   c  |', '    c  |', 'ends without its border', 5),
        ('+------+------+--------+\nafter', 'after', 'ends without its border', 6),
        ('+------+------+--------+\nafter', '+------+-------+-------+', 'borders of this table differ', 7),
        ('| Name | Used | Share  |\n', '', 'nothing between two borders', 3),
        ('+------+------+--------+\n| Name', '------+------+--------+\n| Name', 'not the border', 2),
        ('+------+------+--------+\n| a|b', '| a|b', 'header of this table', 2),
    ],
)
def test_what_does_not_fit_is_refused(before: str, after: str, message: str, line: int) -> None:
    assert before in TEXT
    with pytest.raises(ReportParseError, match=message) as caught:
        table(TEXT.replace(before, after, 1))
    assert caught.value.location is not None
    assert (caught.value.location.path, caught.value.location.line) == ('x.rpt', line)


def test_names_must_be_of_one_column_and_one_row() -> None:
    twice = table(TEXT.replace('Share', 'Used '))
    with pytest.raises(ReportParseError, match="two columns are called 'Used'"):
        twice.column('Used')
    with pytest.raises(ReportParseError, match="two rows of 'c'"):
        table(TEXT.replace('a|b*', '  c ')).row('c')
    with pytest.raises(ReportParseError, match="no column 'Free'"):
        twice.text(twice.rows[0], 'Free')


def test_a_row_outside_of_a_frame_is_refused() -> None:
    report = ReportText(f'{TEXT}\n| row |\n', 'x.rpt', 'tool')
    with pytest.raises(ReportParseError, match='outside of a table') as caught:
        read_boxes(report, 1, 9)
    assert caught.value.location is not None
    assert caught.value.location.line == 9
    assert len(read_boxes(report, 1, 8)) == 1


def test_a_header_of_two_lines_names_columns_that_it_joins() -> None:
    text = (
        ' +----+---------+------+\n |    |  Latency       |\n | Up | (cycles)| (ns) |\n'
        ' +----+---------+------+\n |  a |       1 |  2.0 |\n +----+---------+------+'
    )
    found = read_box(ReportText(text, 'x', 'tool'), 1, joined=True).table(header_lines=2)
    assert found.columns == ('Up', 'Latency (cycles)', 'Latency (ns)')


@pytest.mark.parametrize(
    'text', ['', '-1', '+1', '1.0', '1 2', '1_000', '12,34', '1,2345', '٣', '0x1', 'nan', '9' * 5000]
)
def test_what_is_not_a_count(text: str) -> None:
    with pytest.raises(ReportParseError, match='is not a count'):
        ReportText('x', 'x.rpt', 'tool').count(text, 1, 'it')


@pytest.mark.parametrize('text', ['', '-', '.5', '5.', '1e3', 'inf', 'nan', '1,00.0', '--1', '1 .0', '1' * 400])
def test_what_is_not_a_number(text: str) -> None:
    with pytest.raises(ReportParseError, match='is not a number'):
        ReportText('x', 'x.rpt', 'tool').number(text, 1, 'it')


NAMES = st.text(st.characters(codec='ascii', exclude_categories=('C',)), max_size=12).filter(
    lambda name: name == name.strip(' ') and not name.endswith('*')
)


@given(st.lists(st.tuples(NAMES, st.integers(0, 10**12), st.integers(-(10**9), 10**9)), min_size=1, max_size=8))
def test_what_is_framed_is_read_back(rows: list[tuple[str, int, int]]) -> None:
    cells = [(name, f'{count:,}', f'{milli / 1000:.3f}') for name, count, milli in rows]
    text = dialects.frame(('Name', 'Count', 'Number'), cells)
    found = read_box(ReportText(text, 'x.rpt', 'tool'), 1).table()
    assert [(row.name, found.count(row, 'Count'), found.number(row, 'Number', decimals=3)) for row in found.rows] == [
        (name, count, milli / 1000) for name, count, milli in rows
    ]
