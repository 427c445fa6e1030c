"""A netlist as VHDL-2008 text, one entity a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from da4ml_core.codegen import comments, walk
from da4ml_core.codegen.bundle import TERNARY_STYLE
from da4ml_core.codegen.layout import fitted
from da4ml_core.codegen.netlist import (
    TERNARY,
    Assignment,
    Bits,
    Copies,
    Instance,
    Literal,
    Netlist,
    Piece,
    Register,
    Rom,
    Signal,
    Slice,
    Stage,
    bits_width,
)

_LITERAL_BITS = 32  # wider ones, also joined by `&`, `ghdl synth` of GHDL 2.0 writes as strings: as other numbers


def vhdl_text(netlist: Netlist) -> str:
    """The top entity and its architecture; the same netlist always gives the same text.

    Every signal is a std_logic_vector, also one of a single bit. The primitives are looked up in the library `work`.
    """
    lines = [
        *_entity(netlist),
        '',
        *_declarations(netlist),
        'begin',
        *walk.body(netlist, _PHRASES),
        'end architecture rtl;',
        '',
    ]
    return '\n'.join(fitted(lines, _PHRASES.comment))


def vhdl_table(rom: Rom, program: str) -> str:
    """A table as an entity: an array with an entry for each address, to be built of LUTs."""
    entries = f'std_logic_vector({rom.width_bits - 1} downto 0)'
    lines = [
        f'-- {comments.table(rom, program)}',
        '',
        'library ieee;',
        'use ieee.std_logic_1164.all;',
        'use ieee.numeric_std.all;',
        '',
        f'entity {rom.name} is',
        '    port (',
        f'        -- {comments.ADDRESS}',
        f'        a : in std_logic_vector({rom.address_bits - 1} downto 0);',
        f'        -- {comments.ENTRY}',
        f'        y : out {entries}',
        '    );',
        f'end entity {rom.name};',
        '',
        f'architecture rtl of {rom.name} is',
        f'    type rom_type is array ({(1 << rom.address_bits) - 1} downto 0) of {entries};',
        '    constant ROM : rom_type := (',
        *(f'        {address} => "{code:0{rom.width_bits}b}",' for address, code in rom.entries[:-1]),
        f'        others => "{rom.entries[-1][1]:0{rom.width_bits}b}"  -- {rom.entries[-1][0]}',
        '    );',
        'begin',
        '    y <= ROM(to_integer(to_01(unsigned(a))));',
        'end architecture rtl;',
        '',
    ]
    return '\n'.join(lines)


def _entity(netlist: Netlist) -> Iterator[str]:
    yield from walk.summary(netlist, _PHRASES)
    yield 'library ieee;'
    yield 'use ieee.std_logic_1164.all;'
    yield ''
    yield f'entity {netlist.top} is'
    if TERNARY in netlist.primitives:
        yield '    generic ('
        yield f'        -- {comments.TERNARY_STYLE}'
        yield f'        {TERNARY_STYLE} : natural range 0 to 8 := 0'
        yield '    );'
    yield '    port ('
    ports = list(walk.ports(netlist))
    for port in ports:
        yield f'        -- {port.comment}'
        kind = 'std_logic' if port.signal is None else _type(port.signal)
        yield f'        {port.name} : {"in" if port.is_input else "out"} {kind}{"" if port is ports[-1] else ";"}'
    yield '    );'
    yield f'end entity {netlist.top};'


def _declarations(netlist: Netlist) -> Iterator[str]:
    yield f'architecture rtl of {netlist.top} is'
    if not netlist.shift_registers:
        yield '    attribute shreg_extract : string;'
    for stage in netlist.stages:
        signals = [register.target for register in stage.registers]
        signals += [node.target for _, nodes in stage.logic for node in nodes]
        if signals:
            yield f'    -- ---- {comments.stage_title(stage, netlist)}'
            for signal in signals:
                yield f'    signal {signal.name} : {_type(signal)};'
        if not netlist.shift_registers:
            for register in stage.registers:
                yield f'    attribute shreg_extract of {register.target.name} : signal is "no";'


class _Vhdl:
    """Signals are declared before the body."""

    comment = '--'

    def registers(self, registers: Sequence[Register], stage: Stage, netlist: Netlist) -> Iterator[str]:
        yield f'stage_{stage.index} : process (clk)'
        yield 'begin'
        enabled = " and ce = '1'" if netlist.clock_enable else ''
        yield f'    if rising_edge(clk){enabled} then'
        for register in registers:
            yield f'        {_drive(Slice(register.target, 0, register.target.width_bits), register.source)}'
        yield '    end if;'
        yield f'end process stage_{stage.index};'

    def delay_line(self, register: Register, netlist: Netlist) -> Iterator[str]:
        name = register.target.name
        yield f'delay_{name} : entity work.da4ml_delay_line'
        kept = '' if netlist.shift_registers else ', SHREG_EXTRACT => 0'
        yield f'    generic map (WIDTH => {register.target.width_bits}, DEPTH => {register.depth}{kept})'
        yield f'    port map (clk => clk, {_association("d", register.source)}, q => {name});'

    def assignment(self, node: Assignment) -> Iterator[str]:
        yield _drive(Slice(node.target, 0, node.target.width_bits), node.bits)

    def instance(self, node: Instance) -> Iterator[str]:
        name = node.target.name
        settings = [f'{key} => {value}' for key, value in node.unusual_parameters]
        if node.primitive == TERNARY:
            settings.append(f'STYLE => {TERNARY_STYLE}')
        generics = ', '.join(settings)
        ports = ', '.join(_association(port, bits) for port, bits in node.inputs)
        yield f'make_{name} : entity work.{node.module}'
        if generics:
            yield f'    generic map ({generics})'
        yield f'    port map ({ports}, y => {name});'

    def drive(self, target: Slice, bits: Bits) -> str:
        return _drive(target, bits)


_PHRASES = _Vhdl()


def _association(port: str, bits: Bits) -> str:
    """A port with its bits, piece by piece: many tools take no expression there."""
    pieces = _short(bits)
    if len(pieces) == 1:
        return f'{port} => {_piece(pieces[0])}'
    return ', '.join(f'{port}({lo + piece.width_bits - 1} downto {lo}) => {_piece(piece)}' for lo, piece in _at(pieces))


def _drive(target: Slice, bits: Bits) -> str:
    """An assignment; where literals are too wide, or would be joined, one for each piece."""
    if not any(is_literal and bits_width(tuple(run)) > _LITERAL_BITS for is_literal, run in groupby(bits, _is_literal)):
        return f'{_slice(target)} <= {_bits(bits)};'
    pieces = _short(bits)
    parts = (
        (target._replace(lo=target.lo + lo, hi=target.lo + lo + piece.width_bits), piece) for lo, piece in _at(pieces)
    )
    return ' '.join(f'{_slice(part)} <= {_bits((piece,))};' for part, piece in parts)


def _is_literal(piece: Piece) -> bool:
    return isinstance(piece, Literal)


def _short(bits: Bits) -> Bits:
    """The same bits without literals that are too wide."""
    pieces: list[Piece] = []
    for piece in bits:
        rest = piece.width_bits
        while isinstance(piece, Literal) and piece.code and rest > _LITERAL_BITS:
            rest -= _LITERAL_BITS
            pieces.append(Literal(piece.code >> rest & ((1 << _LITERAL_BITS) - 1), _LITERAL_BITS))
        pieces.append(Literal(piece.code & ((1 << rest) - 1), rest) if isinstance(piece, Literal) else piece)
    return tuple(pieces)


def _at(pieces: Bits) -> Iterator[tuple[int, Piece]]:
    """Pieces, the highest first, each with its lowest bit."""
    end = bits_width(pieces)
    for piece in pieces:
        end -= piece.width_bits
        yield end, piece


def _type(signal: Signal) -> str:
    return f'std_logic_vector({signal.width_bits - 1} downto 0)'


def _bits(bits: Bits) -> str:
    if isinstance(bits[0], Copies) and len(bits) == 1:  # a range of its own would have to be that of the target
        return f'(others => {bits[0].signal.name}({bits[0].bit}))'
    return ' & '.join(_piece(piece) for piece in bits)


def _piece(piece: Piece) -> str:
    if isinstance(piece, Slice):
        return _slice(piece)
    if isinstance(piece, Literal):
        return f'"{piece.code:0{piece.width_bits}b}"'
    return f'({piece.width_bits - 1} downto 0 => {piece.signal.name}({piece.bit}))'


def _slice(piece: Slice) -> str:
    return piece.signal.name if piece.is_whole else f'{piece.signal.name}({piece.hi - 1} downto {piece.lo})'
