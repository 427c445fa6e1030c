"""Resources out of real reports of Vivado, and out of the dialects that other families and versions write."""

import re
from pathlib import Path

import pytest
from reports import dialects
from reports.damage import check_truncations

from da4ml_flow.eda.parsers.vivado_utilization import parse_utilization
from da4ml_flow.errors import ReportParseError
from da4ml_flow.results.metrics import METRICS


def figures(text: str) -> dict[str, float]:
    found = parse_utilization(text).figures()
    assert found.keys() <= METRICS.keys()
    return found


def refused(text: str, message: str) -> ReportParseError:
    with pytest.raises(ReportParseError, match=message) as caught:
        parse_utilization(text, 'some/util.rpt')
    assert caught.value.location is not None
    assert caught.value.location.path == 'some/util.rpt'
    return caught.value


def test_the_known_answers_after_route(shared: Path) -> None:
    report = parse_utilization((shared / 'reports' / 'vivado' / 'vmodel_post_route_util.rpt').read_text())
    assert report.figures() == {
        'luts': 5804,
        'luts_logic': 5640,
        'luts_memory': 164,
        'ffs': 3420,
        'carry': 666,
        'dsps': 80,
        'brams': 0,
        'urams': 0,
    }
    assert report.head is not None
    assert report.head.version == '2025.1'
    assert report.head.device == 'xcvu13p-flga2577-2-e'
    assert report.head.state == 'Routed'


def test_starred_counts_after_synthesis(shared: Path) -> None:
    found = figures((shared / 'reports' / 'vivado' / 'vmodel_post_synth_util.rpt').read_text())
    assert (found['luts'], found['luts_logic'], found['luts_memory']) == (4855, 4635, 220)
    assert (found['ffs'], found['carry'], found['dsps']) == (3420, 666, 80)


def test_the_hierarchy_after_place(shared: Path) -> None:
    report = parse_utilization((shared / 'reports' / 'vivado' / 'vmodel_post_place_util.rpt').read_text())
    assert report.figures() == {
        'luts': 5804,
        'luts_logic': 5640,
        'luts_memory': 164,
        'ffs': 3420,
        'dsps': 80,
        'brams': 0,
        'urams': 0,
    }
    assert [(instance.name, instance.depth) for instance in report.instances] == [('vmodel', 0)]


def test_series_7_has_slices_and_no_site_of_carry() -> None:
    assert figures(dialects.SERIES_7) == {
        'luts': 8297,
        'luts_logic': 6363,
        'luts_memory': 1934,
        'ffs': 5434,
        'carry': 343,
        'dsps': 4,
        'brams': 29.5,
    }


def test_stars_prohibited_sites_thousands_and_more_than_there_is() -> None:
    assert figures(dialects.SERIES_7_SYNTHESIZED) == {
        'luts': 21785,
        'luts_logic': 21784,
        'luts_memory': 1,
        'ffs': 1,
    }


def test_versal() -> None:
    assert figures(dialects.VERSAL) == {
        'luts': 17535,
        'luts_logic': 17000,
        'luts_memory': 535,
        'ffs': 60653,
        'carry': 142,
        'dsps': 1024,
        'brams': 0.5,
        'urams': 192,
    }


def test_hierarchy_with_percentages() -> None:
    report = parse_utilization(dialects.HIERARCHY)
    assert report.figures() == {
        'luts': 711,
        'luts_logic': 639,
        'luts_memory': 72,
        'ffs': 697,
        'dsps': 2,
        'brams': 0.5,
    }
    assert [(row.name, row.module, row.depth, row.luts) for row in report.instances] == [
        ('top', '(top)', 0, 711),
        ('(top)', '(top)', 1, 32),
        ('u_kernel', 'kernel', 1, 679),
    ]


def test_xml() -> None:
    assert figures(dialects.XML) == {
        'luts': 999,
        'luts_logic': 944,
        'luts_memory': 55,
        'ffs': 920,
        'carry': 42,
        'dsps': 0,
    }
    report = parse_utilization(dialects.XML_HIERARCHY)
    assert report.figures() == {'luts': 120, 'luts_logic': 100, 'luts_memory': 20, 'ffs': 90, 'dsps': 2, 'brams': 1.5}
    assert [(row.name, row.depth) for row in report.instances] == [('top', 0), ('u_first', 1)]


def test_rows_of_xml_may_be_nested() -> None:
    nested = re.sub(
        r'</tablerow>\n(<tablerow>\n<tablecell contents=")  (u_first.*?)</tablerow>',
        r'\1\2</tablerow>\n</tablerow>',
        dialects.XML_HIERARCHY,
        flags=re.DOTALL,
    )
    assert nested != dialects.XML_HIERARCHY
    assert parse_utilization(nested) == parse_utilization(dialects.XML_HIERARCHY)


@pytest.mark.parametrize('text', [dialects.SERIES_7, dialects.XML])
def test_the_ends_of_lines_do_not_matter(text: str) -> None:
    assert parse_utilization(text.replace('\n', '\r\n')) == parse_utilization(text)
    padded = text.replace('\n', '  \n')
    assert parse_utilization(padded).figures() == figures(text)


@pytest.mark.parametrize('text', [dialects.SERIES_7, dialects.SERIES_7_SYNTHESIZED, dialects.VERSAL])
def test_the_order_of_the_columns_does_not_matter(text: str) -> None:
    """The columns of counts change places with those of availability, in every table that has both."""
    lines = []
    for line in text.splitlines():
        cells = line[1:-1].split(line[0]) if line[:1] in ('|', '+') and line[-1] == line[0] else []
        if len(cells) in (5, 6):
            cells[1], cells[-2] = cells[-2], cells[1]
            line = line[0] + line[0].join(cells) + line[0]
        lines.append(line)
    assert '\n'.join(lines) != text
    assert figures('\n'.join(lines)) == figures(text)


@pytest.mark.parametrize(
    ('row', 'before', 'after', 'message', 'where'),
    [
        ('Slice LUTs', '8297', '8298', 'not the sum', 'Slice LUTs'),
        ('    LUT as Shift Register', ' 2 ', ' 3 ', 'not the sum', 'LUT as Memory'),
        ('  Register as Flip Flop', '5430', '5429', 'not the sum', 'Slice Registers'),
        ('Slice LUTs', '39.89', '39.88', 'are not 39.88 %', 'Slice LUTs'),
        ('Slice LUTs', '39.89', '<0.01', 'are not <0.01 %', 'Slice LUTs'),
        ('Block RAM Tile', '29.5', '29.0', 'is not a count|is not a number', 'Block RAM Tile'),
        ('Block RAM Tile', '29.5', '  29', 'are not 59.00 %', 'Block RAM Tile'),
        ('  RAMB18', ' 27 ', ' 28 ', 'are not 27.00 %', 'RAMB18'),
        ('DSPs', ' 4 ', '   ', "is not a count: ''", 'DSPs'),
        ('DSPs', ' 4 ', ' - ', "is not a count: '-'", 'DSPs'),
        ('DSPs', ' 4 ', '\0004 ', 'is not a count', 'DSPs'),
        ('DSPs', ' 4 ', ' \u0664 ', 'is not a count', 'DSPs'),
        ('DSPs', ' 4 ', ' 44 ', 'does not fit the border', 'DSPs'),
        ('  DSP48E1 only', ' 4 ', ' 5 ', 'not the sum', 'DSPs'),
        ('Slice LUTs', 'LUTs', 'LUTz', "no row 'CLB LUTs'", '+--'),
        ('Tool Version', 'Vivado', 'Divado', 'unknown tool', '-----'),
        ('Command', 'report_', 'retort_', 'not of report_utilization', '-----'),
        ('Design ', ': top', ':', "does not say 'Design'", '-----'),
    ],
)
def test_a_contradiction_is_refused_where_it_is(row: str, before: str, after: str, message: str, where: str) -> None:
    """One change to one row, and the line that the error names."""
    lines = dialects.SERIES_7.splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith(f'| {row}') and before in line)
    lines[at] = lines[at].replace(before, after, 1)
    error = refused('\n'.join(lines), message)
    assert error.location is not None
    assert error.location.line is not None
    assert where in lines[error.location.line - 1]


@pytest.mark.parametrize(
    ('before', 'after', 'message'),
    [
        ('| Used | Fixed | Available |', '| Uses | Fixed | Available |', "no column 'Used'"),
        ('3. Memory\n---------', '3. Memory\n--------', "'3. Memory' here"),
        ('3. Memory\n---------', '3. Memory\n---------\n| x |', 'row is outside of a table'),
        ('Table of Contents', 'Contents', 'no table of contents'),
        ('6. Black Boxes\n-----', '6. Black Boxes\n+----', 'is it truncated'),
    ],
)
def test_a_broken_frame_is_refused(before: str, after: str, message: str) -> None:
    assert before in dialects.SERIES_7
    refused(dialects.SERIES_7.replace(before, after, 1), message)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'it is empty'),
        ('\n\n', 'it is empty'),
        ('hello', 'does not begin as'),
        ('<RptDoc/>', 'neither logic nor a hierarchy'),
        ('<html></html>', 'it is not a report: <html>'),
        ('<RptDoc><section>', 'not XML: no element found'),
        ('<!DOCTYPE x [<!ENTITY a "b">]><RptDoc/>', 'document type'),
        ('<a>' * 1000, 'nested too deeply'),
    ],
)
def test_what_is_not_such_a_report(text: str, message: str) -> None:
    refused(text, message)


def test_half_an_xml_row_is_refused() -> None:
    error = refused(dialects.XML.replace('<tablecell contents="999"/>\n', ''), 'not as many cells')
    assert error.location is not None
    assert error.location.line is not None
    assert 'CLB LUTs' in dialects.XML.splitlines()[error.location.line]


@pytest.mark.parametrize('text', [dialects.SERIES_7, dialects.VERSAL, dialects.HIERARCHY, dialects.XML])
def test_every_truncation_is_right_or_refused(text: str) -> None:
    check_truncations(parse_utilization, text)
