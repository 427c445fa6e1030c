"""Instructions as C: straight code on vectors of samples, which any GCC or Clang turns into machine code quickly.

A vector of 16 bit lanes holds as many samples as two of 32 or four of 64, so that one turn of the loop takes the same
samples through all values. Values within a function are local variables; those that others need are in buffers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from da4ml_core.errors import InterpError
from da4ml_core.interp.assembler import LANE_BITS, Instruction, Kind, Register
from da4ml_core.interp.microcode import Layout, Tables

VECTORS = (1, 2, 4)  # of each lane, for as many samples as one vector of the narrowest has
LANE_SIZES = tuple(bits // 8 for bits in LANE_BITS)

PRELUDE = """\
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LANE(BITS) \\
    typedef uint##BITS##_t u##BITS __attribute__((vector_size(VECTOR_BYTES), may_alias)); \\
    typedef int##BITS##_t s##BITS __attribute__((vector_size(VECTOR_BYTES), may_alias)); \\
    static inline __attribute__((always_inline)) u##BITS splat##BITS(uint##BITS##_t x) { return (u##BITS){0} + x; } \\
    static inline __attribute__((always_inline)) u##BITS choose##BITS(s##BITS where, u##BITS x, u##BITS y) { \\
        return (x & (u##BITS)where) | (y & ~(u##BITS)where); \\
    } \\
    static inline u##BITS look_up##BITS(u##BITS x, const char *table, uint##BITS##_t first, uint##BITS##_t last) { \\
        uint##BITS##_t places[VECTOR_BYTES / sizeof(uint##BITS##_t)], entries[VECTOR_BYTES / sizeof(uint##BITS##_t)]; \\
        x -= first; \\
        memcpy(places, &x, VECTOR_BYTES); \\
        for (size_t j = 0; j < VECTOR_BYTES / sizeof(uint##BITS##_t); j++) \\
            entries[j] = ((const uint##BITS##_t *)table)[places[j] < last ? places[j] : last]; \\
        memcpy(&x, entries, VECTOR_BYTES); \\
        return x; \\
    }
LANE(16)
LANE(32)
LANE(64)
#define PART(NAME, TYPE, SHARE) typedef TYPE NAME __attribute__((vector_size(VECTOR_BYTES / SHARE), may_alias));
PART(half16, int16_t, 2)
PART(half32, int32_t, 2)
PART(quarter16, int16_t, 4)
#define NARROW(TO, PART, FROM, N, ...) do { \\
    const FROM from_[N] = {__VA_ARGS__}; PART to_[N]; \\
    for (int j = 0; j < N; j++) to_[j] = __builtin_convertvector(from_[j], PART); \\
    memcpy(&TO, to_, VECTOR_BYTES); } while (0)
#define WIDEN(TO, WIDE, PART, N, FROM) do { \\
    PART from_[N]; memcpy(from_, &FROM, VECTOR_BYTES); \\
    for (int j = 0; j < N; j++) TO[j] = (WIDE)__builtin_convertvector(from_[j], WIDE); } while (0)
"""


class Stretch(NamedTuple):
    """Instructions of one function, the ones that load what is new in it, and those that store what it made."""

    loads: list[Instruction]
    body: list[Instruction]
    stores: list[Instruction]


def stretches(code: Sequence[Instruction], length: int) -> Iterator[Stretch]:
    """The code cut into functions of that many instructions, which is what keeps a compiler's time linear."""
    stretch = Stretch([], [], [])
    for instruction in code:
        if instruction.kind in (Kind.LOAD_REAL, Kind.LOAD_CODE):
            stretch.loads.append(instruction)
        elif instruction.result is None:
            stretch.stores.append(instruction)
        else:
            if len(stretch.body) == length:
                yield stretch
                stretch = Stretch([], [], [])
            stretch.body.append(instruction)
    yield stretch


class Interface(NamedTuple):
    """Registers that a function reads from buffers, and those that it leaves there."""

    reads: tuple[Register, ...]
    writes: tuple[Register, ...]


def interfaces(parts: Sequence[Stretch]) -> list[Interface]:
    """Of each stretch: what it does not make itself, and what others or the stores read."""
    home = {each.result: number for number, part in enumerate(parts) for each in part.body}
    reads: list[dict[Register, None]] = [{} for _ in parts]
    writes: list[dict[Register, None]] = [{} for _ in parts]
    for number, part in enumerate(parts):
        for register in (register for each in part.body for register in each.operands):
            if home.get(register) != number:
                reads[number][register] = None
        for register in (*reads[number], *(register for each in part.stores for register in each.operands)):
            if register in home:
                writes[home[register]][register] = None
    return [Interface(tuple(r), tuple(w)) for r, w in zip(reads, writes, strict=True)]


def emit_function(name: str, stretch: Stretch, interface: Interface, layout: Layout, tables: Tables, block: int) -> str:
    """The function of a stretch, for blocks of that many samples."""
    lines = [
        f'void {name}(char *restrict scratch, const char *restrict tables, size_t size)',
        '{',
        '    for (size_t i = 0; i < size; i += VECTOR_BYTES / 2) {',
    ]

    def buffer(register: Register, vector: int) -> str:
        place = f'scratch + {layout.address(register) * block} + i * {LANE_SIZES[register.lane]}'
        return f'*(u{LANE_BITS[register.lane]} *)({place} + {vector} * VECTOR_BYTES)'

    known: set[Register] = set()
    wanted = set(interface.reads)
    kept = set(interface.writes)
    for instruction in stretch.body:
        for register in instruction.operands:
            if register in wanted and register not in known:  # as late as can be: it takes a place in the processor
                known.add(register)
                lines += [
                    f'const u{LANE_BITS[register.lane]} {_local(register, vector)} = {buffer(register, vector)};'
                    for vector in range(VECTORS[register.lane])
                ]
        lines += _statements(instruction, tables)
        result = instruction.result
        if result in kept:
            lines += [f'{buffer(result, vector)} = {_local(result, vector)};' for vector in range(VECTORS[result.lane])]
    return '\n'.join([*lines, '    }', '}', ''])


def _local(register: Register, vector: int) -> str:
    return f'r{register.number}_{vector}'


def _statements(instruction: Instruction, tables: Tables) -> Iterator[str]:
    """C that defines the result of an instruction."""
    result = instruction.result
    if result is None:
        raise InterpError(f'{instruction.kind.name} has no result to compute')
    if instruction.kind in (Kind.FROM_16, Kind.FROM_32, Kind.FROM_64):
        yield from _converted(result, instruction.operands[0])
        return
    expression = _EXPRESSIONS[instruction.kind]
    immediates = _Immediates(instruction, tables)
    for vector in range(VECTORS[result.lane]):
        names = [_local(register, vector) for register in instruction.operands]
        yield f'const u{LANE_BITS[result.lane]} {_local(result, vector)} = {expression(immediates, *names)};'


def _converted(result: Register, source: Register) -> Iterator[str]:
    """A change of lanes: sign extended, or cut."""
    bits, wide = LANE_BITS[result.lane], LANE_BITS[source.lane]
    names = [_local(result, vector) for vector in range(VECTORS[result.lane])]
    sources = [f'(s{wide}){_local(source, vector)}' for vector in range(VECTORS[source.lane])]
    if bits == wide:
        yield f'const u{bits} {names[0]} = {_local(source, 0)};'
        return
    yield f'u{bits} {", ".join(names)};'
    if bits < wide:
        share = wide // bits
        part = f'{"half" if share == 2 else "quarter"}{bits}'
        for vector, name in enumerate(names):
            joined = ', '.join(sources[vector * share : (vector + 1) * share])
            yield f'NARROW({name}, {part}, s{wide}, {share}, {joined});'
        return
    share = bits // wide
    part = f'{"half" if share == 2 else "quarter"}{wide}'
    for vector in range(len(sources)):
        yield f'{{ s{bits} w_[{share}]; WIDEN(w_, s{bits}, {part}, {share}, {_local(source, vector)});'
        for j in range(share):
            yield f'{names[vector * share + j]} = (u{bits})w_[{j}];'
        yield '}'


class _Immediates:
    """The numbers of an instruction as C writes them."""

    def __init__(self, instruction: Instruction, tables: Tables) -> None:
        self.lane = instruction.lane
        self.bits = LANE_BITS[instruction.lane]
        self.l, self.m, self.n = (*instruction.shifts, 0, 0, 0)[:3]
        self.p = self.splat(instruction.p) if instruction.p else ''
        self.least, self.most = self.splat(instruction.p), self.splat(instruction.q)
        if instruction.kind is Kind.GATHER:
            place, last = tables.place(instruction.table, self.lane), len(instruction.table) - 1
            self.table = f'tables + {place}, {self._number(instruction.q)}, {self._number(last)}'

    def _number(self, number: int) -> str:
        return f'(uint{self.bits}_t){number % (1 << self.bits)}ull'

    def splat(self, number: int) -> str:
        return f'splat{self.bits}({self._number(number)})'

    def left(self, name: str, shift: int) -> str:
        return f'({name} << {shift})' if shift else name

    def plus(self, name: str) -> str:
        return f'({name} + {self.p})' if self.p else name

    def sliced(self, bits: str, signed: bool) -> str:
        shifted = self.left(bits, self.l)
        return f'(u{self.bits})((s{self.bits}){shifted} >> {self.m})' if signed else f'{shifted} >> {self.m}'

    def less(self, a: str, b: str) -> str:
        return f'((s{self.bits}){a} < (s{self.bits}){b})'

    def chosen(self, where: str, a: str, b: str) -> str:
        return f'choose{self.bits}({where}, {a}, {b})'

    def negative(self, name: str) -> str:
        return self.less(name, self.splat(0))

    def clamped(self, name: str) -> str:
        above = self.chosen(self.less(name, self.least), self.least, name)
        return self.chosen(self.less(self.most, name), self.most, above)

    def inside(self, name: str) -> str:
        return f'{name} & ~(u{self.bits})({self.less(name, self.least)} | {self.less(self.most, name)})'

    def shifted_negative(self, name: str) -> str:
        return f'{self.plus(name)} + ((u{self.bits}){self.negative(name)} & {self.most})'


_EXPRESSIONS: dict[Kind, Callable[..., str]] = {
    Kind.ADD: lambda i, a, b: f'{a} + {i.left(b, i.m)}',
    Kind.SUB: lambda i, a, b: f'{a} - {i.left(b, i.m)}',
    Kind.RSUB: lambda i, a, b: f'{i.left(b, i.m)} - {a}',
    Kind.ADD_PPP: lambda i, a, b, c: f'{i.left(a, i.l)} + {i.left(b, i.m)} + {i.left(c, i.n)}',
    Kind.ADD_PPM: lambda i, a, b, c: f'{i.left(a, i.l)} + {i.left(b, i.m)} - {i.left(c, i.n)}',
    Kind.ADD_PMM: lambda i, a, b, c: f'{i.left(a, i.l)} - {i.left(b, i.m)} - {i.left(c, i.n)}',
    Kind.OFFSET: lambda i, a: f'{i.left(a, i.l)} + {i.least}',
    Kind.NEGATE: lambda i, a: f'{i.least} - {i.left(a, i.l)}',
    Kind.SLICE_SIGNED: lambda i, a: i.sliced(i.plus(a), True),
    Kind.SLICE_UNSIGNED: lambda i, a: i.sliced(i.plus(a), False),
    Kind.RELU_SLICE: lambda i, a: i.sliced(f'({a} & ~(u{i.bits}){i.negative(a)})', False),
    Kind.NUDGE_SIGN: lambda i, a: i.shifted_negative(a),
    Kind.NUDGE_EVEN: lambda i, a: f'{i.plus(a)} + (({a} >> {i.l}) & {i.splat(1)})',
    Kind.CLAMP: lambda i, a: i.clamped(a),
    Kind.ZERO_OUTSIDE: lambda i, a: i.inside(a),
    Kind.FILL: lambda i: i.least,
    Kind.SELECT: lambda i, a, b, c: i.chosen(i.negative(a), i.left(b, i.m), i.left(c, i.n)),
    Kind.MULTIPLY: lambda i, a, b: i.left(f'({a} * {b})', i.l),
    Kind.GATHER: lambda i, a: f'look_up{i.bits}({a}, {i.table})',
    Kind.AND: lambda i, a, b: f'{i.left(a, i.l)} & {i.left(b, i.m)}',
    Kind.OR: lambda i, a, b: f'{i.left(a, i.l)} | {i.left(b, i.m)}',
    Kind.XOR: lambda i, a, b: f'{i.left(a, i.l)} ^ {i.left(b, i.m)}',
}
