"""What the comments of a design say, the same in every language."""

from __future__ import annotations

from collections.abc import Iterator

from da4ml_core.codegen.bundle import PortField
from da4ml_core.codegen.netlist import Netlist, Rom, Stage

CLOCK = 'The clock; its rising edge moves the pipeline.'
CLOCK_ENABLE = 'Only while it is high.'
INPUTS = 'All input elements, the first in the lowest bits.'
OUTPUTS = 'All output elements, the first in the lowest bits.'
ADDRESS = 'The bits of the value that is looked up.'
ENTRY = 'Its entry.'
TERNARY_STYLE = "How three operands are added: 0 as a plain sum; 4, 8 in Xilinx' LUT6_2 on CARRY4, on CARRY8."


def summary(netlist: Netlist) -> Iterator[str]:
    """The lines at the top of a file; an empty one sets them apart."""
    counts = f'{len(netlist.inputs)} inputs, {len(netlist.outputs)} outputs'
    yield f'Program {plain(netlist.program)}: {counts}, written by da4ml-flow.'
    yield ''
    if netlist.latency_cycles:
        yield f'A result is on y {netlist.latency_cycles} rising edges of clk after its sample was put on x;'
        yield f'a new sample every cycle, no reset. {netlist.register_bits} register bits.'
    else:
        yield 'Combinational.'


def stage_title(stage: Stage, netlist: Netlist) -> str:
    """What a stage is, above its registers and logic."""
    if stage.index < 0:
        return 'Inputs'
    if netlist.latency_cycles == 0:
        return 'Logic'
    return f'Stage {stage.index}' if stage.logic else f'Stage {stage.index}: output registers'


def table(rom: Rom, program: str) -> str:
    """The line at the top of the file of a table."""
    return f'A table of program {plain(program)}: {len(rom.entries)} entries, written by da4ml-flow.'


def element(port: str, field: PortField) -> str:
    """The element of the external array that a field of a port holds."""
    return f'{port}[{field.position}] {field.type}'


def plain(text: str) -> str:
    """Text from the user's model on one line of ASCII; some tools choke on more."""
    return ''.join(char if ' ' <= char <= '~' else '?' for char in text)
