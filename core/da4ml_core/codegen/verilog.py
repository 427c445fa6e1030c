"""A netlist as Verilog-2001 text, one module a file."""

from __future__ import annotations

from collections.abc import Iterator

from da4ml_core.codegen.bundle import PortField
from da4ml_core.codegen.netlist import (
    Assignment,
    Bits,
    Instance,
    Literal,
    Netlist,
    Piece,
    Register,
    Signal,
    Slice,
    Stage,
)

# Parameters that are left out where they have their default.
_DEFAULTS = {'A_SHIFT': 0, 'B_SHIFT': 0, 'C_SHIFT': 0, 'SUBTRACT': 0, 'SUBTRACT_B': 0, 'SUBTRACT_C': 0, 'DROP': 0}


def verilog_text(netlist: Netlist) -> str:
    """The top module; the same netlist always gives the same text."""
    return '\n'.join([*_header(netlist), *_body(netlist), 'endmodule', '', '`default_nettype wire', ''])


def _header(netlist: Netlist) -> Iterator[str]:
    counts = f'{len(netlist.inputs)} inputs, {len(netlist.outputs)} outputs'
    yield f'// Program {_comment(netlist.program)}: {counts}, written by da4ml-flow.'
    yield '//'
    if netlist.latency_cycles:
        yield f'// A result is on y {netlist.latency_cycles} rising edges of clk after its sample was put on x;'
        yield f'// a new sample every cycle, no reset. {netlist.register_bits} register bits.'
    else:
        yield '// Combinational.'
    yield ''
    yield '`default_nettype none'
    yield ''
    yield f'module {netlist.top} ('
    if netlist.latency_cycles:
        yield '    // The clock; its rising edge moves the pipeline.'
        yield '    input  wire clk,'
    yield '    // All input elements, the first in the lowest bits.'
    yield f'    input  wire {_range(netlist.input_port)}x,'
    yield '    // All output elements, the first in the lowest bits.'
    yield f'    output wire {_range(netlist.output_port)}y'
    yield ');'


def _body(netlist: Netlist) -> Iterator[str]:
    for stage in netlist.stages:
        if stage.registers or stage.logic:
            yield ''
            yield f'    // ---- {_stage_title(stage, netlist)}'
            yield from _registers(stage)
            yield from _logic(stage)
    yield ''
    yield '    // ---- Outputs'
    for field, bits in netlist.results:
        if bits:
            target = Slice(netlist.output_port, field.offset, field.offset + field.width_bits)
            yield f'    assign {_slice(target)} = {_bits(bits)};  // {_element("y", field)}'
    unused = [_slice(piece) for piece in netlist.unused]
    if netlist.latency_cycles and not netlist.register_bits:
        unused.append('clk')
    if unused:
        yield ''
        yield '    // ---- Bits that no output depends on'
        yield f"    wire unused = &{{1'b0, {', '.join(unused)}}};"


def _stage_title(stage: Stage, netlist: Netlist) -> str:
    if stage.index < 0:
        return 'Inputs'
    if netlist.latency_cycles == 0:
        return 'Logic'
    return f'Stage {stage.index}' if stage.logic else f'Stage {stage.index}: output registers'


def _registers(stage: Stage) -> Iterator[str]:
    single = [register for register in stage.registers if register.depth == 1]
    for register in single:
        yield f'    reg {_range(register.target)}{register.target.name};'
    if single:
        yield '    always @(posedge clk) begin'
        for register in single:
            yield f'        {register.target.name} <= {_bits(register.source)};'
        yield '    end'
    for register in stage.registers:
        if register.depth > 1:
            yield from _delay_line(register)


def _delay_line(register: Register) -> Iterator[str]:
    name = register.target.name
    yield f'    wire {_range(register.target)}{name};'
    yield f'    da4ml_delay_line #(.WIDTH({register.target.width_bits}), .DEPTH({register.depth}))'
    yield f'        delay_{name} (.clk(clk), .d({_bits(register.source)}), .q({name}));'


def _logic(stage: Stage) -> Iterator[str]:
    for origin, nodes in stage.logic:
        if origin:
            yield ''
            yield f'    // == {_comment(origin)}'
        for node in nodes:
            if node.comment:
                yield f'    // {node.comment}'
            yield from _assignment(node) if isinstance(node, Assignment) else _instance(node)


def _assignment(node: Assignment) -> Iterator[str]:
    yield f'    wire {_range(node.target)}{node.target.name} = {_bits(node.bits)};'


def _instance(node: Instance) -> Iterator[str]:
    name = node.target.name
    parameters = ', '.join(f'.{key}({value})' for key, value in node.parameters if _DEFAULTS.get(key) != value)
    ports = ', '.join(f'.{port}({_bits(bits)})' for port, bits in node.inputs)
    yield f'    wire {_range(node.target)}{name};'
    yield f'    da4ml_{node.primitive} #({parameters})'
    yield f'        make_{name} ({ports}, .y({name}));'


def _comment(text: str) -> str:
    """Text from the user's model on one line of ASCII; some tools choke on more."""
    return ''.join(char if ' ' <= char <= '~' else '?' for char in text)


def _range(signal: Signal) -> str:
    return f'{"signed " if signal.signed else ""}[{signal.width_bits - 1}:0] '


def _bits(bits: Bits) -> str:
    texts = [_piece(piece) for piece in bits]
    return texts[0] if len(texts) == 1 else f'{{{", ".join(texts)}}}'


def _piece(piece: Piece) -> str:
    if isinstance(piece, Slice):
        return _slice(piece)
    if isinstance(piece, Literal):
        return f"{piece.width_bits}'h{piece.code:x}"
    return f'{{{piece.width_bits}{{{piece.signal.name}[{piece.bit}]}}}}'


def _slice(piece: Slice) -> str:
    if piece.is_whole:
        return piece.signal.name
    if piece.width_bits == 1:
        return f'{piece.signal.name}[{piece.lo}]'
    return f'{piece.signal.name}[{piece.hi - 1}:{piece.lo}]'


def _element(port: str, field: PortField) -> str:
    return f'{port}[{field.position}] {field.type}'
