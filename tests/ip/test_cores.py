"""The FuseSoC cores of the primitives: strict, and in step with the Verilog."""

import re

import pytest
import yaml
from hdl_tools import IP_SOURCES, ROOT

PRIMITIVES = sorted(path.parents[1].name for path in IP_SOURCES)
PARAMETER = re.compile(r'parameter (\w+) = (\d+)')


@pytest.mark.parametrize('primitive', PRIMITIVES)
def test_core_and_module_agree(primitive):
    text = (ROOT / f'ip/{primitive}/da4ml_{primitive}.core').read_text()
    source = (ROOT / f'ip/{primitive}/rtl/da4ml_{primitive}.v').read_text()
    assert text.startswith('CAPI=2:\n')
    core = yaml.safe_load(text.removeprefix('CAPI=2:\n'))
    assert core['name'] == f'da4ml:ip:{primitive}:0.1.0'
    assert core['filesets']['rtl']['files'] == [f'rtl/da4ml_{primitive}.v']
    assert core['filesets']['rtl_vhdl']['files'] == [f'rtl/da4ml_{primitive}.vhd']
    assert {'default', 'lint'} <= core['targets'].keys()
    defaults = {name: parameter['default'] for name, parameter in core['parameters'].items()}
    assert defaults == {name: int(value) for name, value in PARAMETER.findall(source)}
    assert core['targets']['lint']['parameters'] == list(defaults)
    assert re.findall(r'^module (\w+)', source, re.MULTILINE) == [f'da4ml_{primitive}']


@pytest.mark.parametrize('primitive', PRIMITIVES)
def test_every_port_has_a_comment(primitive):
    lines = (ROOT / f'ip/{primitive}/rtl/da4ml_{primitive}.v').read_text().splitlines()
    ports = [place for place, line in enumerate(lines) if re.match(r' +(input|output) ', line)]
    assert ports
    assert all(lines[place - 1].lstrip().startswith('//') for place in ports)


@pytest.mark.parametrize('suffix', ['v', 'vhd'])
@pytest.mark.parametrize('primitive', PRIMITIVES)
def test_a_source_says_what_it_means_what_it_costs_and_what_its_parameters_are(primitive, suffix):
    comment, place = {'v': ('//', 4), 'vhd': ('--', 8)}[suffix]
    lines = (ROOT / f'ip/{primitive}/rtl/da4ml_{primitive}.{suffix}').read_text().splitlines()
    header = lines[: next(place for place, line in enumerate(lines) if not line.startswith(comment))]
    (cost,) = (line.removeprefix(f'{comment} ') for line in header if line.startswith(f'{comment} Cost: '))
    assert cost in (ROOT / f'ip/{primitive}/README.md').read_text().splitlines()
    core = yaml.safe_load((ROOT / f'ip/{primitive}/da4ml_{primitive}.core').read_text().removeprefix('CAPI=2:\n'))
    for name, parameter in core['parameters'].items():
        (where,) = (i for i, line in enumerate(lines) if re.match(rf' {{{place}}}(parameter )?{name}( :| =)', line))
        assert lines[where - 1] == f'{" " * place}{comment} {parameter["description"]}.'
    assert max(map(len, lines)) <= 120


def test_fusesoc_reads_all_cores_and_takes_the_language_from_a_flag(tmp_path):
    core2parser = pytest.importorskip('fusesoc.capi2.coreparser')
    core = pytest.importorskip('fusesoc.core')
    parser = core2parser.Core2Parser()
    verilog, vhdl = ('v', 'verilogSource-2005'), ('vhd', 'vhdlSource-2008')
    for primitive in PRIMITIVES:
        path = ROOT / f'ip/{primitive}/da4ml_{primitive}.core'
        read = core.Core(parser, str(path), cache_root=str(tmp_path))
        assert str(read.name) == f'da4ml:ip:{primitive}:0.1.0'
        for flag, (suffix, file_type) in ((None, verilog), (False, verilog), (True, vhdl)):
            flags = {'target': 'default', 'is_toplevel': False} | ({} if flag is None else {'vhdl': flag})
            (file,) = read.get_files(flags)
            assert (file['name'], file['file_type']) == (f'rtl/da4ml_{primitive}.{suffix}', file_type)
