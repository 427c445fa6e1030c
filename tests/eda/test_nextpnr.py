"""nextpnr for real: Fmax by seed, and resources without those of the harness."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from da4ml_core.codegen import emit_verilog
from da4ml_core.codegen.bundle import PortField, RtlBundle
from da4ml_core.fixed import FixedType
from da4ml_core.ir.opcode import Quantization
from da4ml_core.passes.schedule import schedule
from da4ml_core.trace import Tracer
from da4ml_flow.eda import core_file, vectors
from da4ml_flow.eda.backends import nextpnr, verilator
from da4ml_flow.errors import ToolFailed

pytestmark = pytest.mark.eda


@pytest.fixture(autouse=True)
def _tools(need: Callable[..., None]) -> None:
    need('yosys', 'nextpnr-ecp5', 'make')


def test_frequency_by_seed_and_the_kernels_own_registers(write_pair: Callable[..., Any], tmp_path: Path) -> None:
    done = nextpnr.implement(write_pair().rtl, 'ecp5-12k', (1, 7), tmp_path / 'pnr', clock_ns=2.5)
    assert set(done.fmax_mhz) == {1, 7}
    assert all(50 < value < 1000 for value in done.fmax_mhz.values())
    assert min(done.fmax_mhz.values()) <= done.median_fmax_mhz <= max(done.fmax_mhz.values())
    assert done.resources.ffs == 7 + 6 + 5
    assert '400' in done.logs[0].read_text()


@pytest.mark.parametrize(
    'device',
    ['ice40-hx1k', *(pytest.param(device, marks=pytest.mark.slow) for device in ('ice40-up5k', 'gowin-gw1n-9c'))],
)
def test_other_families(write_pair: Callable[..., Any], tmp_path: Path, need: Callable[..., None], device: str) -> None:
    need(f'nextpnr-{device.partition("-")[0]}')
    done = nextpnr.implement(write_pair().rtl, device, (1, 7), tmp_path / 'pnr', clock_ns=2.5)
    assert set(done.fmax_mhz) == {1, 7}
    assert all(10 < value < 1000 for value in done.fmax_mhz.values())
    assert done.resources.ffs == 7 + 6 + 5
    assert done.resources.carry > 0


def test_a_kernel_named_as_a_table_is_counted_on_its_own(tmp_path: Path) -> None:
    tracer = Tracer('kernel')
    x = tracer.input((2,)).quantize(True, 2, 2, 'RND', 'SAT')
    program = tracer.finish(np.tanh(x).quantize(True, 0, 7, 'RND', 'SAT') + x)
    plan = schedule(program, stages=1)
    core_file.write_core(emit_verilog(plan, 'my_table'), 'kernel', tmp_path / 'rtl')
    done = nextpnr.implement(tmp_path / 'rtl', 'ecp5-12k', (1,), tmp_path / 'pnr')
    assert 0 < done.resources.ffs <= plan.register_bits


@pytest.mark.slow
def test_a_kernel_that_does_not_fit(write_pair: Callable[..., Any], tmp_path: Path) -> None:
    design = write_pair('reg [3:0] a;', 'reg [3:0] a;\n  reg [29999:0] many; always @(posedge clk) many <= {many, x};')
    text = (
        (design.rtl / 'pair.v')
        .read_text()
        .replace('y = {difference, sum}', 'y = {difference, sum} ^ many[29999:29989]')
    )
    (design.rtl / 'pair.v').write_text(text)
    with pytest.raises(ToolFailed) as caught:
        nextpnr.implement(design.rtl, 'ecp5-12k', (1,), tmp_path / 'pnr')
    assert 'larger implement.device' in caught.value.hint


def test_the_harness_feeds_and_reads_every_bit(
    write_pair: Callable[..., Any], tmp_path: Path, need: Callable[..., None]
) -> None:
    """The wrapper is simulated, in a module with ports x and y, and compared with what it says it does."""
    need('verilator', 'perl', 'c++')
    kernel = write_pair().bundle
    files = {
        **kernel.files,
        'pair_scan.v': core_file.scan_wrapper(kernel),
        'serial.v': 'module serial (input wire clk, input wire x, output wire y);\n'
        '  pair_scan scan (.clk(clk), .serial_in(x), .serial_out(y));\nendmodule\n',
    }
    bit = PortField(0, 0, Quantization(FixedType(False, 1, 0)))
    bundle = RtlBundle('serial', 'verilog', files, (), (bit,), (bit,), True, 0)
    bits = np.random.default_rng(1).integers(0, 2, size=(200, 1))
    core_file.write_core(bundle, 'serial', tmp_path / 'serial')
    simulation = verilator.simulate(tmp_path / 'serial', bits, tmp_path / 'sim')
    got = vectors.unpack((bit,), simulation.outputs_at(0))[:, 0]

    def registers(x: int) -> tuple[int, int, int]:
        a, b = (x & 15) - (x & 8) * 2, x >> 4
        return x, (a + 2 * b) & 63, (a - b) & 31

    x, first, y, captured, folded, expected = 0, (0, 0, 0), 0, 0, 0, []
    for serial in bits[:, 0]:
        expected.append(folded >> 10)
        folded = (folded << 1 & 2047) ^ captured
        captured = y
        y = first[2] << 6 | first[1]
        first = registers(x)
        x = (x << 1 & 127) | int(serial)
    settled = 30  # the simulation starts with random registers
    np.testing.assert_array_equal(got[settled:], expected[settled:])
    assert 50 < sum(expected) < 150
