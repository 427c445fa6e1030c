"""A design in terms that every hardware language has: signals, primitives, registers and wiring, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from da4ml_core.codegen.bundle import PortField


class Signal(NamedTuple):
    """A vector of bits; ``signed`` is how to read it, the wiring itself never extends."""

    name: str
    width_bits: int
    signed: bool = False


class Slice(NamedTuple):
    """Bits ``lo`` (included) to ``hi`` (excluded) of a signal."""

    signal: Signal
    lo: int
    hi: int

    @property
    def width_bits(self) -> int:
        return self.hi - self.lo

    @property
    def is_whole(self) -> bool:
        return self.lo == 0 and self.hi == self.signal.width_bits


class Literal(NamedTuple):
    """The low ``width_bits`` bits of an integer, given as a number that is not negative."""

    code: int
    width_bits: int


class Copies(NamedTuple):
    """One bit of a signal several times."""

    signal: Signal
    bit: int
    width_bits: int


TERNARY = 'ternary_adder'
_ZERO_BY_DEFAULT = frozenset({'A_SHIFT', 'B_SHIFT', 'C_SHIFT', 'SUBTRACT', 'SUBTRACT_B', 'SUBTRACT_C', 'DROP'})

Piece = Slice | Literal | Copies
Bits = tuple[Piece, ...]  # from the most significant piece to the least


def bits_width(bits: Bits) -> int:
    """Bits of a concatenation."""
    return sum(piece.width_bits for piece in bits)


class Assignment(NamedTuple):
    """Wiring: the signal is these bits."""

    target: Signal
    bits: Bits
    comment: str = ''


class Rom(NamedTuple):
    """A table of the design, a module of its own: pairs of an address and its entry, both not negative."""

    name: str
    address_bits: int
    width_bits: int
    entries: tuple[tuple[int, int], ...]


class Instance(NamedTuple):
    """A primitive of ``ip``, module ``da4ml_<primitive>``, or a table; all outputs and inputs connected."""

    primitive: str
    parameters: tuple[tuple[str, int], ...]
    inputs: tuple[tuple[str, Bits], ...]
    target: Signal
    comment: str = ''
    table: Rom | None = None

    @property
    def module(self) -> str:
        return f'da4ml_{self.primitive}' if self.table is None else self.table.name

    @property
    def unusual_parameters(self) -> tuple[tuple[str, int], ...]:
        """Those that differ from what they are in most instances, which is their default in ``ip``."""
        return tuple((name, value) for name, value in self.parameters if value or name not in _ZERO_BY_DEFAULT)


class Register(NamedTuple):
    """The source as it was ``depth`` clock edges ago."""

    target: Signal
    source: Bits
    depth: int


@dataclass(frozen=True, slots=True)
class Stage:
    """The registers that end in a stage, and the logic behind them in order of dependence."""

    index: int
    registers: tuple[Register, ...]
    logic: tuple[tuple[str, tuple[Assignment | Instance, ...]], ...]  # (origin in the model, its logic)


@dataclass(frozen=True, slots=True)
class Netlist:
    """The top module: packed ports ``x`` and ``y``, ``clk`` if there is any latency, and the stages between.

    ``unused`` are the bits of signals and ports that nothing reads. Without ``shift_registers``, no tool may make
    shift-register LUTs of registers in a row. With ``clock_enable`` registers move only while the port ``ce`` is high;
    none is deeper than one.
    """

    top: str
    program: str
    inputs: tuple[PortField, ...]
    outputs: tuple[PortField, ...]
    input_port: Signal
    output_port: Signal
    latency_cycles: int
    register_bits: int
    stages: tuple[Stage, ...]
    tables: tuple[Rom, ...]
    results: tuple[tuple[PortField, Bits], ...]
    unused: tuple[Slice, ...]
    shift_registers: bool
    clock_enable: bool

    @property
    def primitives(self) -> tuple[str, ...]:
        """Names of the primitives used, in alphabetical order."""
        used = {
            node.primitive
            for stage in self.stages
            for _, nodes in stage.logic
            for node in nodes
            if isinstance(node, Instance) and node.table is None
        }
        if any(register.depth > 1 for stage in self.stages for register in stage.registers):
            used.add('delay_line')
        return tuple(sorted(used))
