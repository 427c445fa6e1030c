"""A netlist as Verilog-2001 text, one module a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from da4ml_core.codegen import comments, walk
from da4ml_core.codegen.bundle import TERNARY_STYLE
from da4ml_core.codegen.layout import fitted
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


def verilog_text(netlist: Netlist) -> str:
    """The top module; the same netlist always gives the same text."""
    lines = [*_header(netlist), *walk.body(netlist, _PHRASES), *_unused(netlist)]
    return '\n'.join([*fitted(lines, _PHRASES.comment), 'endmodule', '', '`default_nettype wire', ''])


def verilog_table(rom: Rom, program: str) -> str:
    """A table as a module: a case for each entry, to be built of LUTs."""
    width, last = rom.address_bits, rom.entries[-1]
    lines = [
        f'// {comments.table(rom, program)}',
        '',
        '`default_nettype none',
        '',
        # Vivado heeds it here, too; on the signal, Yosys would make a RAM with a register, which it cannot build
        f'(* rom_style = "distributed" *) module {rom.name} (',
        f'    // {comments.ADDRESS}',
        f'    input  wire [{width - 1}:0] a,',
        f'    // {comments.ENTRY}',
        f'    output wire [{rom.width_bits - 1}:0] y',
        ');',
        f'    reg [{rom.width_bits - 1}:0] entry;',
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
    yield from walk.summary(netlist, _PHRASES)
    yield '`default_nettype none'
    yield ''
    if TERNARY in netlist.primitives:
        yield f'module {netlist.top} #('
        yield f'    // {comments.TERNARY_STYLE}'
        yield f'    parameter {TERNARY_STYLE} = 0'
        yield ') ('
    else:
        yield f'module {netlist.top} ('
    ports = list(walk.ports(netlist))
    for port in ports:
        yield f'    // {port.comment}'
        direction = 'input  wire' if port.is_input else 'output wire'
        width = '' if port.signal is None else _range(port.signal)
        yield f'    {direction} {width}{port.name}{"" if port is ports[-1] else ","}'
    yield ');'


def _unused(netlist: Netlist) -> Iterator[str]:
    unused = [_slice(piece) for piece in netlist.unused]
    if netlist.latency_cycles and not netlist.register_bits:
        unused += ['clk', 'ce'] if netlist.clock_enable else ['clk']
    if unused:
        yield ''
        yield '    // ---- Bits that no output depends on'
        yield f"    wire unused = &{{1'b0, {', '.join(unused)}}};"


class _Verilog:
    """Signals are declared where they are made."""

    comment = '//'

    def registers(self, registers: Sequence[Register], stage: Stage, netlist: Netlist) -> Iterator[str]:
        attribute = '' if netlist.shift_registers else '(* shreg_extract = "no" *) '
        for register in registers:
            yield f'{attribute}reg {_range(register.target)}{register.target.name};'
        yield f'always @(posedge clk) {"if (ce) " if netlist.clock_enable else ""}begin'
        for register in registers:
            yield f'    {register.target.name} <= {_bits(register.source)};'
        yield 'end'

    def delay_line(self, register: Register, netlist: Netlist) -> Iterator[str]:
        name = register.target.name
        yield f'wire {_range(register.target)}{name};'
        kept = '' if netlist.shift_registers else ', .SHREG_EXTRACT(0)'
        yield f'da4ml_delay_line #(.WIDTH({register.target.width_bits}), .DEPTH({register.depth}){kept})'
        yield f'    delay_{name} (.clk(clk), .d({_bits(register.source)}), .q({name}));'

    def assignment(self, node: Assignment) -> Iterator[str]:
        yield f'wire {_range(node.target)}{node.target.name} = {_bits(node.bits)};'

    def instance(self, node: Instance) -> Iterator[str]:
        name = node.target.name
        settings = [f'.{key}({value})' for key, value in node.unusual_parameters]
        if node.primitive == TERNARY:
            settings.append(f'.STYLE({TERNARY_STYLE})')
        parameters = ', '.join(settings)
        ports = ', '.join(f'.{port}({_bits(bits)})' for port, bits in node.inputs)
        yield f'wire {_range(node.target)}{name};'
        yield f'{node.module}{f" #({parameters})" if parameters else ""}'
        yield f'    make_{name} ({ports}, .y({name}));'

    def drive(self, target: Slice, bits: Bits) -> str:
        return f'assign {_slice(target)} = {_bits(bits)};'


_PHRASES = _Verilog()


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
