"""Power out of real reports of Vivado, and out of one of a device that is too hot."""

from pathlib import Path

import pytest
from reports import dialects
from reports.damage import check_truncations

from da4ml_flow.eda.parsers.vivado_power import parse_power
from da4ml_flow.errors import ReportParseError

HOT = dialects.vivado(
    'report_power',
    [
        (
            '1. Summary',
            dialects.frame(
                None,
                [
                    ('Total On-Chip Power (W)', '29.150 (Junction temp exceeded!)'),
                    ('Dynamic (W)', '28.873'),
                    ('Device Static (W)', '0.277'),
                    ('Confidence Level', 'Low'),
                ],
            ),
        ),
        (
            '1.1 On-Chip Components',
            dialects.frame(
                ('On-Chip', 'Power (W)', 'Used'),
                [('Slice Logic', '20.100', '868'), ('Static Power', '0.277', ''), ('Total', '29.150', '')],
            ),
        ),
    ],
)


@pytest.mark.parametrize(
    ('stage', 'total', 'dynamic', 'static'), [('synth', 3.290, 0.346, 2.944), ('route', 3.435, 0.489, 2.946)]
)
def test_real_reports(shared: Path, stage: str, total: float, dynamic: float, static: float) -> None:
    found = parse_power((shared / 'reports' / 'vivado' / f'vmodel_post_{stage}_power.rpt').read_text())
    assert found.figures() == {'power_w': total}
    assert (found.dynamic_w, found.static_w, found.confidence) == (dynamic, static, 'Medium')


def test_a_device_that_is_too_hot() -> None:
    assert parse_power(HOT).figures() == {'power_w': 29.15}


@pytest.mark.parametrize(
    ('row', 'before', 'after', 'message'),
    [
        ('Total On-Chip', '29.150 (', '29.250 (', 'not the sum'),
        ('Dynamic', '28.873', '28.973', 'not the sum'),
        ('Total ', '29.150 |', '29.151 |', 'Total is not the 29.15 W of the summary'),
        ('Static Power', '0.277', '0.278', 'Static Power is not the 0.277 W'),
        ('Total On-Chip', '29.150 (', '29.15  (', 'is not a number'),
        ('Dynamic', '(W)', '(V)', "no row 'Dynamic"),
        ('Total On-Chip', 'exceeded', 'succeeded', 'does not fit'),
    ],
)
def test_a_contradiction_is_refused(row: str, before: str, after: str, message: str) -> None:
    lines = HOT.splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith(f'| {row}') and before in line)
    lines[at] = lines[at].replace(before, after)
    with pytest.raises(ReportParseError, match=message):
        parse_power('\n'.join(lines))


def test_a_report_without_its_parts_is_refused() -> None:
    start = HOT.index('1.1 On-Chip Components\n---')
    with pytest.raises(ReportParseError, match='no table') as caught:
        parse_power(HOT[:start].replace('1.1 On-Chip Components\n', ''), 'some/power.rpt')
    assert caught.value.location is not None
    assert caught.value.location.path == 'some/power.rpt'


def test_every_truncation_is_right_or_refused() -> None:
    check_truncations(parse_power, HOT)
