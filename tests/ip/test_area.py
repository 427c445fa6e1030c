"""The table of cells in ip/README.md is what Yosys makes of the primitives on each device, VHDL as Verilog."""

import json
import re
from pathlib import Path

import pytest
from ghdl_tools import VHDL_IP_SOURCES, ghdl
from hdl_tools import IP_SOURCES, ROOT, yosys
from primitive_proofs import EMPTY_CELLS

README = ROOT / 'ip' / 'README.md'
ROW = re.compile(r'^\| `(\w+)` \| `([^`]*)` \| ([\d |-]+) \|$', re.MULTILINE)
# The devices of the table: how Yosys builds for one, and the kinds of cells that its columns count.
FLIP_FLOPS, XILINX = r'FD\w+|TRELLIS_FF|SB_DFF\w*', (r'LUT\d(_2)?|INV', r'CARRY[48]')
FAMILIES = {
    'synth_xilinx -family xcup -flatten -noiopad': (*XILINX, FLIP_FLOPS, r'SRL\w+'),
    'synth_xilinx -family xc7 -flatten -noiopad': XILINX,
    'synth_ecp5': (r'LUT4', r'CCU2C'),
    'synth_ice40': (r'SB_LUT4', r'SB_CARRY'),
}
CHAINS = ('w:upper', 'w:*partial', 'w:difference')  # nets that the Verilog keeps by itself, as the flow does for VHDL


def table() -> list[tuple[str, dict[str, int], list[str]]]:
    rows = ROW.findall(README.read_text())
    return [
        (primitive, {key: int(value) for key, value in re.findall(r'(\w+)=(\d+)', parameters)}, cells.split(' | '))
        for primitive, parameters, cells in rows
    ]


def counted(directory: Path, place: int, parameters: dict[str, int]) -> list[str]:
    """The columns of a row; a dash for cells that a device does not have."""
    columns = []
    for family, (command, kinds) in enumerate(FAMILIES.items()):
        if parameters.get('STYLE') and 'xilinx' not in command:
            columns += ['-'] * len(kinds)
            continue
        statistics = json.loads((directory / f'{place}_{family}.json').read_text())
        cells = statistics['design']['num_cells_by_type']
        columns += [str(sum(n for cell, n in cells.items() if re.fullmatch(kind, cell))) for kind in kinds]
    return columns


def synthesized(place: int, top: str, parameters: dict[str, int], read: list[str], options: str = '') -> list[str]:
    """The lines of a script that build one row for each device that can have it."""
    script = []
    for family, command in enumerate(FAMILIES):
        if not parameters.get('STYLE') or 'xilinx' in command:
            more = options if 'xilinx' in command else ''
            script += [*read, f'{command} -top {top} {more}', f'tee -o {place}_{family}.json stat -json']
    return script


@pytest.mark.eda
@pytest.mark.slow
def test_the_table_of_cells_is_true(tmp_path, update_golden):
    rows = table()
    assert {primitive for primitive, _, _ in rows} == {source.parents[1].name for source in IP_SOURCES}
    script = [f'read_verilog {" ".join(map(str, IP_SOURCES))}', 'design -save sources']
    for place, (primitive, parameters, _) in enumerate(rows):
        top = f'da4ml_{primitive}'
        settings = ' '.join(f'-set {key} {value}' for key, value in parameters.items())
        script += synthesized(place, top, parameters, ['design -load sources', f'chparam {settings} {top}'])
    yosys('\n'.join(script), tmp_path)
    found = [(*row[:2], counted(tmp_path, place, row[1])) for place, row in enumerate(rows)]
    if update_golden:
        columns = iter(cells for _, _, cells in found)
        text = README.read_text()
        README.write_text(ROW.sub(lambda row: f'| `{row[1]}` | `{row[2]}` | {" | ".join(next(columns))} |', text))
    assert found == rows


@pytest.mark.eda
@pytest.mark.slow
def test_vhdl_takes_the_same_cells(tmp_path):
    rows = table()
    ghdl('-a', '-Wno-binding', *map(str, VHDL_IP_SOURCES), directory=tmp_path)
    script = []
    for place, (primitive, parameters, _) in enumerate(rows):
        top = f'da4ml_{primitive}'
        generics = [f'-g{key}={value}' for key, value in parameters.items()]
        text = ghdl('synth', '--out=verilog', *generics, top, directory=tmp_path)
        (tmp_path / f'{place}.v').write_text(EMPTY_CELLS.sub('', text))
        kept = [f'setattr -set keep 1 {nets}' for nets in CHAINS if nets.strip('w:*') in text]
        read = ['design -reset', f'read_verilog {place}.v', *kept]
        # its Verilog says so itself
        options = '' if parameters.get('SHREG_EXTRACT', 1) else '-nosrl'
        script += synthesized(place, top, parameters, read, options)
    yosys('\n'.join(script), tmp_path)
    found = [(*row[:2], counted(tmp_path, place, row[1])) for place, row in enumerate(rows)]
    assert found == rows


def test_every_primitive_is_described():
    readme = README.read_text()
    for source in IP_SOURCES:
        name = source.parents[1].name
        assert f'[`{name}`]({name}/README.md)' in readme
        own = (source.parents[1] / 'README.md').read_text()
        for parameter in re.findall(r'parameter (\w+) =', source.read_text()):
            assert f'`{parameter}`' in own, f'{name}: {parameter} is not described'
