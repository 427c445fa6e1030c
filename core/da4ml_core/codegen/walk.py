"""The walk over a netlist that the text of every hardware language is made by; a language has its phrases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from da4ml_core.codegen import comments
from da4ml_core.codegen.netlist import Assignment, Bits, Instance, Netlist, Register, Signal, Slice, Stage


class Port(NamedTuple):
    """A port of the top module, with what is said of it; a control port has no width."""

    name: str
    is_input: bool
    comment: str
    signal: Signal | None = None


class Phrases(Protocol):
    """How a language says what a netlist consists of; lines come without indentation of the module's body."""

    comment: str  # what starts one

    def registers(self, registers: Sequence[Register], stage: Stage, netlist: Netlist) -> Iterator[str]:
        """Registers of depth one that end in a stage."""
        ...

    def delay_line(self, register: Register, netlist: Netlist) -> Iterator[str]:
        """A deeper one."""
        ...

    def assignment(self, node: Assignment) -> Iterator[str]:
        """Wiring."""
        ...

    def instance(self, node: Instance) -> Iterator[str]:
        """A primitive or a table."""
        ...

    def drive(self, target: Slice, bits: Bits) -> str:
        """Bits of an output port."""
        ...


def ports(netlist: Netlist) -> Iterator[Port]:
    """Those of the top module, in order."""
    if netlist.latency_cycles:
        yield Port('clk', True, comments.CLOCK)
        if netlist.clock_enable:
            yield Port('ce', True, comments.CLOCK_ENABLE)
    yield Port(netlist.input_port.name, True, comments.INPUTS, netlist.input_port)
    yield Port(netlist.output_port.name, False, comments.OUTPUTS, netlist.output_port)


def summary(netlist: Netlist, phrases: Phrases) -> Iterator[str]:
    """The comment at the top of a file."""
    yield from (f'{phrases.comment} {line}'.rstrip() for line in comments.summary(netlist))
    yield ''


def body(netlist: Netlist, phrases: Phrases) -> Iterator[str]:
    """Stage by stage the registers and the logic behind them, then the outputs; a blank line before each."""
    yield from (f'    {line}'.rstrip() for line in _body(netlist, phrases))


def _body(netlist: Netlist, phrases: Phrases) -> Iterator[str]:
    for stage in netlist.stages:
        if stage.registers or stage.logic:
            yield ''
            yield f'{phrases.comment} ---- {comments.stage_title(stage, netlist)}'
            yield from _registers(stage, netlist, phrases)
            yield from _logic(stage, phrases)
    yield ''
    yield f'{phrases.comment} ---- Outputs'
    for field, bits in netlist.results:
        if bits:
            target = Slice(netlist.output_port, field.offset, field.offset + field.width_bits)
            yield f'{phrases.drive(target, bits)}  {phrases.comment} {comments.element("y", field)}'


def _registers(stage: Stage, netlist: Netlist, phrases: Phrases) -> Iterator[str]:
    single = [register for register in stage.registers if register.depth == 1]
    if single:
        yield from phrases.registers(single, stage, netlist)
    for register in stage.registers:
        if register.depth > 1:
            yield from phrases.delay_line(register, netlist)


def _logic(stage: Stage, phrases: Phrases) -> Iterator[str]:
    for origin, nodes in stage.logic:
        if origin:
            yield ''
            yield f'{phrases.comment} == {comments.plain(origin)}'
        for node in nodes:
            if node.comment:
                yield f'{phrases.comment} {node.comment}'
            yield from phrases.assignment(node) if isinstance(node, Assignment) else phrases.instance(node)
