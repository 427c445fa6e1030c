"""Cell counts of recorded reports, and reports that are damaged."""

import json
import random
from pathlib import Path

import pytest

from da4ml_flow.eda.parsers.yosys_stat import Resources, parse_stat
from da4ml_flow.errors import ReportParseError

REPORTS = Path(__file__).parent / 'reports'
XILINX = (REPORTS / 'yosys_xilinx.json').read_text()
ECP5 = (REPORTS / 'yosys_ecp5.json').read_text()


def stat(**modules: dict[str, int]) -> str:
    return json.dumps({'modules': {f'\\{name}': {'num_cells_by_type': cells} for name, cells in modules.items()}})


def test_xilinx() -> None:
    found = parse_stat(XILINX, 'top')
    assert found == Resources(3 + 1321 + 205 + 157 + 56 + 54, 0, 997, 413, 0, 0, 0)
    assert found.luts == 1796


def test_ecp5_with_and_without_the_harness() -> None:
    assert parse_stat(ECP5, 'top') == Resources(686 + 2 * 767, 0, 997, 767, 0, 0, 0)
    assert parse_stat(ECP5, 'top_scan') == Resources(686 + 209 + 2 * 767, 0, 997 + 804, 767, 0, 0, 0)


def test_hierarchy_is_multiplied_out() -> None:
    text = stat(
        top={'mid': 2, 'LUT6': 1}, mid={'leaf': 3, 'FDRE': 1}, leaf={'LUT2': 5, 'CARRY8': 1}, unused={'LUT1': 9}
    )
    assert parse_stat(text, 'top') == Resources(1 + 2 * 3 * 5, 0, 2, 6, 0, 0, 0)


def test_names_of_parametrized_modules() -> None:
    text = json.dumps(
        {
            'modules': {
                '\\top': {'num_cells_by_type': {'$paramod\\add\\W=4': 2}},
                '$paramod\\add\\W=4': {'num_cells_by_type': {'LUT6_2': 4}},
            }
        }
    )
    assert parse_stat(text, 'top').luts == 8


def test_memories_and_blocks() -> None:
    cells = {'SRL16E': 3, 'RAM64M': 1, 'RAMB18E2': 3, 'URAM288': 1, 'DSP48E2': 2, 'LUT6_2': 1, 'INV': 7}
    found = parse_stat(stat(top=cells), 'top')
    assert found == Resources(8, 7, 0, 0, 2, 1.5, 1)
    assert found.luts == 15


def test_an_empty_module() -> None:
    assert parse_stat(stat(top={}), 'top') == Resources(0, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize('cell', ['$add', 'LUT7', 'LDCE', 'black_box'])
def test_a_cell_without_a_known_cost_is_never_left_out(cell: str) -> None:
    text = json.dumps(json.loads(stat(top={'LUT6': 1, cell: 2})), indent=1)
    with pytest.raises(ReportParseError, match='has no known cost') as caught:
        parse_stat(text, 'top', 'x.json')
    assert caught.value.location.path == 'x.json'
    assert f'"{cell}"' in text.splitlines()[caught.value.location.line - 1]


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'not JSON'),
        ('Yosys 0.33', 'not JSON'),
        ('[]', 'not an object'),
        ('{}', "no 'modules'"),
        ('{"modules": []}', 'modules is not an object'),
        ('{"modules": {}}', "no module 'top'"),
        ('{"modules": {"top": 3}}', 'top is not an object'),
        ('{"modules": {"top": {}}}', "no 'num_cells_by_type'"),
        ('{"modules": {"top": {"num_cells_by_type": {"LUT2": -1}}}}', 'LUT2 is not a count: -1'),
        ('{"modules": {"top": {"num_cells_by_type": {"LUT2": "7"}}}}', 'LUT2 is not a count'),
        ('{"modules": {"top": {"num_cells_by_type": {"LUT2": 1.5}}}}', 'LUT2 is not a count'),
        ('{"modules": {"top": {"num_cells_by_type": {"LUT2": true}}}}', 'LUT2 is not a count'),
        ('{"modules": {"top": {"num_cells_by_type": {"top": 1}}}}', 'contains itself'),
        ('[' * 100_000, 'not JSON'),
    ],
)
def test_what_is_not_such_a_report(text: str, message: str) -> None:
    with pytest.raises(ReportParseError, match=message) as caught:
        parse_stat(text, 'top', 'stat.json')
    assert caught.value.location.line >= 1


@pytest.mark.parametrize('seed', range(20))
def test_a_damaged_report_is_right_or_refused(seed: int) -> None:
    generator = random.Random(seed)
    right = parse_stat(XILINX, 'top')
    for _ in range(20):
        cut = XILINX[: generator.randrange(len(XILINX) - 2)]
        with pytest.raises(ReportParseError):
            parse_stat(cut, 'top')
        lines = XILINX.splitlines()
        del lines[generator.randrange(len(lines))]
        try:
            found = parse_stat('\n'.join(lines), 'top')
        except ReportParseError:
            continue
        assert sum(a != b for a, b in zip(found, right, strict=True)) <= 1  # the cell of the line that is gone
