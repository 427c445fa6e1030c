"""A small pipelined kernel written by hand, with the program that it implements."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from da4ml_core.codegen.bundle import PortField, RtlBundle
from da4ml_core.fixed import FixedType, Interval
from da4ml_core.ir.opcode import InputPort, Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_flow.eda import core_file, tools
from da4ml_flow.errors import ToolNotFound

PAIR = """\
// y = {a - b, a + 2b}, two registers deep
module pair (
    input wire clk,
    input wire [6:0] x,
    output wire [10:0] y
);
  reg [3:0] a;
  reg [2:0] b;
  reg [5:0] sum;
  reg [4:0] difference;
  always @(posedge clk) begin
    a <= x[3:0];
    b <= x[6:4];
    sum <= {{2{a[3]}}, a} + {2'b00, b, 1'b0};
    difference <= {a[3], a} - {2'b00, b};
  end
  assign y = {difference, sum};
endmodule
"""


@dataclass(frozen=True, slots=True)
class Design:
    """Sources on disk and what they should compute."""

    rtl: Path
    bundle: RtlBundle
    program: Program


def _field(position: int, offset: int, signed: bool, int_bits: int, frac_bits: int = 0) -> PortField:
    return PortField(position, offset, Quantization(FixedType(signed, int_bits, frac_bits)))


@pytest.fixture
def pair_bundle() -> RtlBundle:
    return RtlBundle(
        top='pair',
        language='verilog',
        files={'pair.v': PAIR},
        ip_cores=(),
        inputs=(_field(0, 0, True, 3), _field(1, 4, False, 3)),
        outputs=(_field(0, 0, True, 5), _field(1, 6, True, 4)),
        clocked=True,
        latency_cycles=2,
    )


@pytest.fixture
def pair_program() -> Program:
    a = InputPort(0, Quantization(FixedType(True, 3, 0)))
    b = InputPort(1, Quantization(FixedType(False, 3, 0)))
    ops = (
        Op(Opcode.INPUT, (), Interval(-8, 7), a),
        Op(Opcode.INPUT, (), Interval(0, 7), b),
        Op(Opcode.ADD, (Operand(0), Operand(1, 1)), Interval(-8, 21)),
        Op(Opcode.ADD, (Operand(0), Operand(1, 0, True)), Interval(-15, 7)),
    )
    return Program('pair', ops, (Operand(2), Operand(3)), ((2,),), ((2,),))


@pytest.fixture
def write_pair(tmp_path: Path, pair_bundle: RtlBundle, pair_program: Program) -> Callable[..., Design]:
    """Writes the kernel, with text replaced and facts changed as asked."""

    def write(old: str = '', new: str = '', **changes: object) -> Design:
        bundle = replace(pair_bundle, files={'pair.v': PAIR.replace(old, new)}, **changes)
        rtl = tmp_path / 'rtl'
        core_file.write_core(bundle, 'pair', rtl)
        return Design(rtl, bundle, pair_program)

    return write


@pytest.fixture
def need() -> Callable[..., None]:
    """Skips where one of the tools is not installed."""

    def check(*names: str) -> None:
        for name in names:
            try:
                tools.find(name)
            except ToolNotFound as error:
                pytest.skip(error.message)

    return check
