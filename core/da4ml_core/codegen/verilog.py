"""A netlist as Verilog-2001 text, one module a file."""

from __future__ import annotations

from collections.abc import Iterator

from da4ml_core.codegen import comments
from da4ml_core.codegen.bundle import TERNARY_STYLE
from da4ml_core.codegen.netlist import (
    TERNARY,
    Assignment,
    Bits,
    Instance,
    Literal,
    Netlist,
    Piece,
    Register,
    Rom,
    Signal,
    Slice,
    Stage,
)

SMALL_ADDRESS_BITS = 6  # of a LUT


def verilog_text(netlist: Netlist) -> str:
    """The top module; the same netlist always gives the same text."""
    return '\n'.join([*_header(netlist), *_body(netlist), 'endmodule', '', '`default_nettype wire', ''])


def verilog_table(rom: Rom, program: str) -> str:
    """A table as a module: a case for each entry, to be built of LUTs."""
    width, last = rom.address_bits, rom.entries[-1]
    # one LUT a bit needs no style, and of a table with constant bits Yosys would make a RAM that it cannot build
    style = '' if width <= SMALL_ADDRESS_BITS else '(* rom_style = "distributed" *) '
    lines = [
        f'// {comments.table(rom, program)}',
        '',
        '`default_nettype none',
        '',
        f'module {rom.name} (',
        f'    // {comments.ADDRESS}',
        f'    input  wire [{width - 1}:0] a,',
        f'    // {comments.ENTRY}',
        f'    output wire [{rom.width_bits - 1}:0] y',
        ');',
        f'    {style}reg [{rom.width_bits - 1}:0] entry;',
        '    always @* (* logic_block *) case (a)',
        *(f"        {width}'h{address:x}: entry = {rom.width_bits}'h{code:x};" for address, code in rom.entries[:-1]),
        f"        default: entry = {rom.width_bits}'h{last[1]:x};  // {width}'h{last[0]:x}",
        '    endcase',
        '    assign y = entry;',
        'endmodule',
        '',
        '`default_nettype wire',
        '',
    ]
    return '\n'.join(lines)


def _header(netlist: Netlist) -> Iterator[str]:
    yield from (f'// {line}'.rstrip() for line in comments.summary(netlist))
    yield ''
    yield '`default_nettype none'
    yield ''
    if TERNARY in netlist.primitives:
        yield f'module {netlist.top} #('
        yield f'    // {comments.TERNARY_STYLE}'
        yield f'    parameter {TERNARY_STYLE} = 0'
        yield ') ('
    else:
        yield f'module {netlist.top} ('
    if netlist.latency_cycles:
        yield f'    // {comments.CLOCK}'
        yield '    input  wire clk,'
        if netlist.clock_enable:
            yield f'    // {comments.CLOCK_ENABLE}'
            yield '    input  wire ce,'
    yield f'    // {comments.INPUTS}'
    yield f'    input  wire {_range(netlist.input_port)}x,'
    yield f'    // {comments.OUTPUTS}'
    yield f'    output wire {_range(netlist.output_port)}y'
    yield ');'


def _body(netlist: Netlist) -> Iterator[str]:
    for stage in netlist.stages:
        if stage.registers or stage.logic:
            yield ''
            yield f'    // ---- {comments.stage_title(stage, netlist)}'
            yield from _registers(stage, netlist)
            yield from _logic(stage)
    yield ''
    yield '    // ---- Outputs'
    for field, bits in netlist.results:
        if bits:
            target = Slice(netlist.output_port, field.offset, field.offset + field.width_bits)
            yield f'    assign {_slice(target)} = {_bits(bits)};  // {comments.element("y", field)}'
    unused = [_slice(piece) for piece in netlist.unused]
    if netlist.latency_cycles and not netlist.register_bits:
        unused += ['clk', 'ce'] if netlist.clock_enable else ['clk']
    if unused:
        yield ''
        yield '    // ---- Bits that no output depends on'
        yield f"    wire unused = &{{1'b0, {', '.join(unused)}}};"


def _registers(stage: Stage, netlist: Netlist) -> Iterator[str]:
    single = [register for register in stage.registers if register.depth == 1]
    attribute = '' if netlist.shift_registers else '(* shreg_extract = "no" *) '
    for register in single:
        yield f'    {attribute}reg {_range(register.target)}{register.target.name};'
    if single:
        yield f'    always @(posedge clk) {"if (ce) " if netlist.clock_enable else ""}begin'
        for register in single:
            yield f'        {register.target.name} <= {_bits(register.source)};'
        yield '    end'
    for register in stage.registers:
        if register.depth > 1:
            yield from _delay_line(register, netlist.shift_registers)


def _delay_line(register: Register, shift_registers: bool) -> Iterator[str]:
    name = register.target.name
    yield f'    wire {_range(register.target)}{name};'
    kept = '' if shift_registers else ', .SHREG_EXTRACT(0)'
    yield f'    da4ml_delay_line #(.WIDTH({register.target.width_bits}), .DEPTH({register.depth}){kept})'
    yield f'        delay_{name} (.clk(clk), .d({_bits(register.source)}), .q({name}));'


def _logic(stage: Stage) -> Iterator[str]:
    for origin, nodes in stage.logic:
        if origin:
            yield ''
            yield f'    // == {comments.plain(origin)}'
        for node in nodes:
            if node.comment:
                yield f'    // {node.comment}'
            yield from _assignment(node) if isinstance(node, Assignment) else _instance(node)


def _assignment(node: Assignment) -> Iterator[str]:
    yield f'    wire {_range(node.target)}{node.target.name} = {_bits(node.bits)};'


def _instance(node: Instance) -> Iterator[str]:
    name = node.target.name
    settings = [f'.{key}({value})' for key, value in node.unusual_parameters]
    if node.primitive == TERNARY:
        settings.append(f'.STYLE({TERNARY_STYLE})')
    parameters = ', '.join(settings)
    ports = ', '.join(f'.{port}({_bits(bits)})' for port, bits in node.inputs)
    yield f'    wire {_range(node.target)}{name};'
    yield f'    {node.module}{f" #({parameters})" if parameters else ""}'
    yield f'        make_{name} ({ports}, .y({name}));'


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
