"""The table of cells in ip/README.md is what Yosys makes of the primitives."""

import json
import re

import pytest
from hdl_tools import IP_SOURCES, ROOT, yosys

ROW = re.compile(r'\| `(\w+)` \| `([^`]*)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|')


def table() -> list[tuple[str, dict[str, int], tuple[int, ...]]]:
    rows = ROW.findall((ROOT / 'ip' / 'README.md').read_text())
    return [
        (primitive, {key: int(value) for key, value in re.findall(r'(\w+)=(\d+)', parameters)}, tuple(map(int, cells)))
        for primitive, parameters, *cells in rows
    ]


def cells(statistics: dict) -> tuple[int, ...]:
    """LUTs (inverters are LUTs, too), carry cells, flip-flops, shift-register LUTs."""
    counts = statistics['design']['num_cells_by_type']
    kinds = (r'LUT\d(_2)?|INV', r'CARRY[48]', r'FD\w+', r'SRL\w+')
    return tuple(sum(n for cell, n in counts.items() if re.fullmatch(kind, cell)) for kind in kinds)


@pytest.mark.eda
@pytest.mark.slow
def test_the_table_of_cells_is_true(tmp_path):
    rows = table()
    assert {primitive for primitive, _, _ in rows} == {source.parents[1].name for source in IP_SOURCES}
    script = [f'read_verilog {" ".join(map(str, IP_SOURCES))}', 'design -save sources']
    for place, (primitive, parameters, _) in enumerate(rows):
        top = f'da4ml_{primitive}'
        settings = ' '.join(f'-set {key} {value}' for key, value in parameters.items())
        script += [
            'design -load sources',
            f'chparam {settings} {top}',
            f'synth_xilinx -family xcup -flatten -noiopad -top {top}',
            f'tee -o {place}.json stat -json',
        ]
    yosys('\n'.join(script), tmp_path)
    found = []
    for place, (primitive, parameters, _) in enumerate(rows):
        found.append((primitive, parameters, cells(json.loads((tmp_path / f'{place}.json').read_text()))))
    assert found == rows


def test_every_primitive_is_described():
    readme = (ROOT / 'ip' / 'README.md').read_text()
    for source in IP_SOURCES:
        name = source.parents[1].name
        assert f'[`{name}`]({name}/README.md)' in readme
        own = (source.parents[1] / 'README.md').read_text()
        for parameter in re.findall(r'parameter (\w+) =', source.read_text()):
            assert f'`{parameter}`' in own, f'{name}: {parameter} is not described'
