"""Cores on disk: what is written, what is read back, and names that are refused."""

from pathlib import Path

import pytest
import yaml

from da4ml_core.codegen.bundle import PortField, RtlBundle
from da4ml_core.errors import CodegenError
from da4ml_core.fixed import FixedType
from da4ml_core.ir.opcode import Quantization
from da4ml_flow.eda import core_file


def bundle(inputs: int = 5, outputs: int = 1, clocked: bool = True, **changes: object) -> RtlBundle:
    def field(bits: int) -> PortField:
        return PortField(0, 0, Quantization(FixedType(False, bits, 0)))

    facts = {
        'top': 'kernel',
        'language': 'verilog',
        'files': {'kernel.v': 'module kernel; endmodule\n'},
        'ip_cores': ('da4ml:ip:shift_adder',),
        'inputs': (field(inputs),),
        'outputs': (field(outputs),),
        'clocked': clocked,
        'latency_cycles': int(clocked),
    }
    return RtlBundle(**{**facts, **changes})


def test_a_core_has_every_target_and_its_dependencies(tmp_path: Path) -> None:
    path = core_file.write_core(bundle(), 'my-kernel', tmp_path / 'rtl')
    text = path.read_text()
    assert text.startswith('CAPI=2:\n')
    core = yaml.safe_load(text.partition('\n')[2])
    assert core['name'] == 'da4ml:kernels:my-kernel:0.1.0'
    assert core['filesets']['rtl']['depend'] == ['da4ml:ip:shift_adder']
    assert set(core['targets']) == {'default', 'lint', 'sim', 'icarus', 'synth', 'prove', 'pnr', 'vivado', 'quartus'}
    assert core['targets']['pnr']['toplevel'] == 'kernel_scan'
    for fileset in core['filesets'].values():
        for file in fileset['files']:
            assert (path.parent / (file if isinstance(file, str) else next(iter(file)))).is_file()


def test_a_core_in_vhdl_goes_through_ghdl(tmp_path: Path) -> None:
    path = core_file.write_core(bundle(language='vhdl', files={'kernel.vhd': ''}), 'kernel', tmp_path)
    core = yaml.safe_load(path.read_text().partition('\n')[2])
    assert core['filesets']['rtl']['file_type'] == 'vhdlSource-2008'
    assert set(core['targets']) == {
        'default',
        'lint',
        'sim',
        'icarus',
        'synth',
        'prove',
        'pnr',
        'vivado',
        'quartus',
        'bench',
    }
    assert all(target['flags']['vhdl'] is True for target in core['targets'].values())
    frontends = {name: core['targets'][name]['flow_options']['frontends'] for name in ('sim', 'icarus', 'synth', 'pnr')}
    assert frontends == {
        'sim': ['da4mlghdl'],
        'icarus': ['da4mlghdl'],
        'synth': ['da4mlghdl'],
        'pnr': ['da4mlghdl', 'da4mlyosys'],
    }
    assert 'port map (clk => clk, x => x, y => y)' in (tmp_path / 'kernel_bench.vhd').read_text()


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    written = bundle()
    core_file.write_core(written, 'kernel', tmp_path)
    assert core_file.load_bundle(tmp_path) == written
    assert core_file.load_core_name(tmp_path) == 'da4ml:kernels:kernel:0.1.0'


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ('a', 'b'):
        core_file.write_core(bundle(), 'kernel', tmp_path / name)
    assert [path.read_bytes() for path in sorted((tmp_path / 'a').iterdir())] == [
        path.read_bytes() for path in sorted((tmp_path / 'b').iterdir())
    ]


@pytest.mark.parametrize('name', ['', 'a b', 'a:b', '-x', '../x', 'a\nb', '$(id)', 'é'])
def test_names_that_no_tool_could_take_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(CodegenError, match='name of a core'):
        core_file.write_core(bundle(), name, tmp_path / 'rtl')
    with pytest.raises(CodegenError, match='name of a source file'):
        core_file.write_core(bundle(files={f'{name}/x.v': ''}), 'kernel', tmp_path / 'rtl')
    assert not (tmp_path / 'rtl').exists()


@pytest.mark.parametrize('damage', ['', '{', '[]', '{"files": ["gone.v"]}', '{"files": []}'])
def test_a_damaged_design_is_not_read(damage: str, tmp_path: Path) -> None:
    core_file.write_core(bundle(), 'kernel', tmp_path)
    (tmp_path / 'interface.json').write_text(damage)
    with pytest.raises(CodegenError):
        core_file.load_bundle(tmp_path)


def test_not_one_core_file(tmp_path: Path) -> None:
    with pytest.raises(CodegenError, match='0 core files'):
        core_file.load_core_name(tmp_path)


def test_ports_of_one_bit_have_no_empty_range() -> None:
    text = core_file.scan_wrapper(bundle(inputs=1, outputs=1))
    assert '-1:' not in text
    assert 'x <= serial_in;' in text
    assert 'folded <= captured;' in text


def test_a_kernel_without_a_clock_gets_none(tmp_path: Path) -> None:
    assert 'kernel kernel (.x(x), .y(y));' in core_file.scan_wrapper(bundle(clocked=False))
    core_file.write_core(bundle(clocked=False), 'kernel', tmp_path)
    assert '#define DA4ML_CLOCKED 0' in (tmp_path / 'da4ml_kernel.hh').read_text()


def test_the_library_of_primitives_is_found() -> None:
    assert (core_file.ip_root() / 'shift_adder' / 'da4ml_shift_adder.core').is_file()
