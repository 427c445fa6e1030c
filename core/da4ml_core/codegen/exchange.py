"""Write programs in the formats of the neighbours: DAIS v1, binary and JSON, and ALIR v4 JSON."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from da4ml_core.errors import CodegenError
from da4ml_core.fixed import FixedType, Interval, Rounding, round_code
from da4ml_core.ir.opcode import BitFunction, InputPort, Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.ir.table import MAX_ENTRIES, Lookup
from da4ml_core.passes.lower_conversions import lower_conversions
from da4ml_core.passes.narrow import narrow

MAX_BITS = 62  # of a value: the interpreters of both count in 64 bits
FUNCTIONS = tuple(BitFunction)


class Word(NamedTuple):
    """One operation as the formats have it, before it is written down."""

    opcode: int
    operands: tuple[int, ...]
    data: tuple[int, ...]
    interval: Interval


class Listing(NamedTuple):
    """What all three formats say of a program; ``outputs`` are (operation, shift), of a zero (-1, 0)."""

    num_inputs: int
    words: list[Word]
    outputs: list[tuple[int, int]]
    tables: list[tuple[Interval, int, tuple[int, ...]]]  # range of the entries, bits of the operand, entries


def save_exchange(program: Program, path: Path) -> None:
    """Write a program by the suffix of its file: .dais, .dais.json, .alir.json or .alir.json.gz.

    Raises CodegenError for what the formats have no words for: ports that saturate, values over 62 bits, tables of
    more than 32 bits.
    """
    listing = Listing(program.num_inputs, [], [], [])
    _Writer(lower_conversions(narrow(program)), listing).run()
    if path.suffix == '.dais':
        path.write_bytes(dais_binary(listing))
        return
    data = dais_json(listing) if path.name.endswith('.dais.json') else alir_json(listing)
    encoded = json.dumps(data, separators=(',', ':')).encode()
    path.write_bytes(gzip.compress(encoded, mtime=0) if path.suffix == '.gz' else encoded)


def _in_steps(interval: Interval, exp: int) -> Interval:
    """The interval of the same values in the steps that an operation of the formats makes by itself."""
    if interval.exp > exp:
        return interval.at(exp)
    fine = exp - interval.exp
    return Interval(-(-interval.lo >> fine), interval.hi >> fine, exp)


def _finer(exps: Sequence[int], data: Sequence[int]) -> int:
    return min(exps[0], exps[1] + data[0])


STEPS: Mapping[int, Callable[[Sequence[int], Sequence[int]], int]] = {
    0: _finer,
    1: _finer,
    2: lambda exps, data: exps[0],
    6: _finer,
    7: lambda exps, data: sum(exps),
    10: _finer,
}


def _covering(a: FixedType, b: FixedType) -> FixedType:
    """The type that has the bits of both."""
    return FixedType(a.signed or b.signed, max(a.int_bits, b.int_bits), max(a.frac_bits, b.frac_bits))


def _whole_ports(program: Program) -> dict[int, FixedType]:
    """For each input that has bits, the type that has the bits of all of its ports."""
    whole: dict[int, FixedType] = {}
    for _, port in program.input_ops():
        kind = port.quantization.type
        if not kind.interval.is_constant:
            other = whole.get(port.position, kind)
            whole[port.position] = _covering(kind, other)
    return whole


class _Writer:
    """Appends words; each value of the program becomes (word, shift), for results of theirs have no scale."""

    def __init__(self, program: Program, listing: Listing) -> None:
        self.program = program
        self.listing = listing
        self.values: list[tuple[int, int]] = []
        self.tables: dict[tuple[int, ...], int] = {}
        self.inputs: dict[int, int] = {}
        self.wholes: dict[int, int] = {}
        self.ports = _whole_ports(program)

    def run(self) -> None:
        for index, op in enumerate(self.program.ops):
            self.values.append(self._value(index, op))
        for edge in self.program.outputs:
            number, shift = self._edge(edge)
            constant = self.listing.words[number].interval[:2] == (0, 0)
            self.listing.outputs.append((-1, 0) if constant else (number, shift))

    def _append(self, opcode: int, operands: Sequence[int], data: Sequence[int], interval: Interval) -> int:
        if opcode in STEPS:
            interval = _in_steps(interval, STEPS[opcode]([self.listing.words[n].interval.exp for n in operands], data))
        if interval[:2] == (0, 0):
            interval = Interval(0, 0)  # zero has no step in their JSON
        if interval.width_bits > MAX_BITS:
            raise CodegenError(f'a value of {interval.width_bits} bits: the format has {MAX_BITS}')
        self.listing.words.append(Word(opcode, tuple(operands), tuple(data), interval))
        return len(self.listing.words) - 1

    def _edge(self, edge: Operand) -> tuple[int, int]:
        number, shift = self.values[edge.index]
        return number, shift + edge.shift

    def _value(self, index: int, op: Op) -> tuple[int, int]:
        attribute = op.attribute
        if isinstance(attribute, InputPort):
            kind, rounding, overflow = attribute.quantization
            if not attribute.quantization.is_wiring:
                raise CodegenError(
                    f'input {attribute.position} is converted with {rounding} {overflow}: the format has TRN WRAP',
                    hint='RND WRAP is possible, too; other ports must be quantized by what feeds them',
                )
            return self._port(attribute.position, kind.interval), 0
        if op.interval.is_constant:
            code, _, exp = op.interval
            return self._append(5, (), (code,), Interval(code, code)), exp
        if op.opcode is Opcode.ADD:
            return self._sum(op)
        edges = [self._edge(edge) for edge in op.operands]
        (first, shift), *others = edges
        interval = op.interval.shifted(-shift)
        if op.opcode is Opcode.NEG:
            return self._difference(first, interval), shift
        if op.opcode is Opcode.MUX:
            return self._selection(op, edges)
        if op.opcode is Opcode.MUL:
            shift += others[0][1]
            return self._append(7, (first, others[0][0]), (), op.interval.shifted(-shift)), shift
        if isinstance(attribute, BitFunction):
            return self._bitwise(attribute, (first, others[0][0]), others[0][1] - shift, interval), shift
        if isinstance(attribute, Lookup):
            return self._lookup(op, attribute), attribute.table.exp
        if isinstance(attribute, Quantization):
            source = self.listing.words[first].interval
            if op.opcode is Opcode.RELU:
                source = Interval(0, max(source.hi, 0), source.exp)
                first = self._append(2, (first,), (), source)
            # their conversions never make a step finer
            fine = max(0, source.exp - interval.exp)
            interval = Interval(-(-interval.lo >> fine), interval.hi >> fine, interval.exp + fine)
            return self._append(3, (first,), (0,), interval), shift
        return self._append(2, (first,), (), interval), shift

    def _port(self, position: int, interval: Interval) -> int:
        """A port of an input; alkaid knows one type of an input only, so that all of its ports are cut out of one."""
        if interval.is_constant:
            return self._append(5, (), (0,), interval)
        whole = self.ports[position].interval
        if whole.width_bits > MAX_BITS:
            return self._append(-1, (position,), (), interval)
        if position not in self.inputs:
            self.inputs[position] = self._append(-1, (position,), (), whole)
        return self.inputs[position] if interval == whole else self._append(3, (self.inputs[position],), (0,), interval)

    def _difference(self, number: int, interval: Interval) -> int:
        """The negative of a value."""
        zero = self._append(5, (), (0,), Interval(0, 0))
        return self._append(1, (zero, number), (0,), interval)

    def _sum(self, op: Op) -> tuple[int, int]:
        terms = sorted(op.operands, key=lambda edge: edge.negated)
        number, base = self._edge(terms[0])
        total = self.program.edge_interval(terms[0])
        for place, edge in enumerate(terms[1:], 2):
            other, shift = self._edge(edge)
            term = self.program.edge_interval(edge)
            exp = min(total.exp, term.exp)
            a, b = total.at(exp), term.at(exp)
            total = Interval(a.lo + b.lo, a.hi + b.hi, exp) if place < len(terms) else op.interval
            number = self._append(int(edge.negated), (number, other), (shift - base,), total.shifted(-base))
        return number, base

    def _selection(self, op: Op, edges: Sequence[tuple[int, int]]) -> tuple[int, int]:
        (key, _), (a, shift), (b, other) = edges
        bounds = self.program.ops[op.operands[0].index].interval
        if not op.operands[0].negated:
            if bounds.lo >= 0 or bounds.hi < 0:
                return (b, other) if bounds.lo >= 0 else (a, shift)
        elif bounds != (0, 1, bounds.exp):
            return (b, other) if bounds.hi <= 0 else (a, shift)
        else:
            key = self._whole(key)
        return self._append(6, (a, b, key), (other - shift,), op.interval.shifted(-shift)), shift

    def _whole(self, number: int) -> int:
        """The value with all of its format for a range: alkaid does not prove ours again, and takes no narrower one."""
        word = self.listing.words[number]
        whole = word.interval.fixed_type.interval
        if word.interval == whole and word.opcode in (-1, 3):
            return number
        if number not in self.wholes:
            self.wholes[number] = self._append(3, (number,), (0,), whole)
        return self.wholes[number]

    def _bitwise(self, function: BitFunction, operands: tuple[int, int], shift: int, interval: Interval) -> int:
        """The function in all bits of the operands, then as many as it has: alkaid proves no fewer."""
        a, b = (self.listing.words[number].interval for number in operands)
        whole = _covering(a.fixed_type, b.shifted(shift).fixed_type).interval
        interval = _in_steps(interval, whole.exp)  # their conversions never make a step finer
        data = (shift, FUNCTIONS.index(function))
        if whole.width_bits > MAX_BITS or FixedType.holding(interval) == FixedType.holding(whole):
            return self._append(10, operands, data, interval)
        return self._append(3, (self._append(10, operands, data, whole),), (0,), interval)

    def _lookup(self, op: Op, lookup: Lookup) -> int:
        """The table over the whole format of its operand; reversed of a negative, whose sign alkaid mistakes."""
        (edge,) = op.operands
        sign = 1
        while self.program.ops[edge.index].opcode is Opcode.NEG:
            (inner,) = self.program.ops[edge.index].operands
            edge, sign = inner._replace(shift=inner.shift + edge.shift), -sign
        number, shift = self._edge(edge)
        lo, hi, _ = self.listing.words[number].interval
        if hi - lo >= MAX_ENTRIES:
            raise CodegenError(f'a table of {hi - lo + 1} entries: there may be {MAX_ENTRIES}')
        if 1 << self.listing.words[number].interval.width_bits <= MAX_ENTRIES:
            number = self._whole(number)
        lo, hi, exp = source = self.listing.words[number].interval
        codes = (round_code(sign * code, lookup.exp - exp - shift, Rounding.TRN) for code in range(lo, hi + 1))
        last = len(lookup.table) - 1
        entries = tuple(lookup.table.entries[min(max(code - lookup.first, 0), last)] for code in codes)
        bounds = Interval(min(entries), max(entries))
        if bounds.width_bits > 31:
            raise CodegenError(f'a table of {bounds.width_bits} bits: the format has 31')
        if entries not in self.tables:
            self.tables[entries] = len(self.tables)
            self.listing.tables.append((bounds, source.width_bits, entries))
        return self._append(8, (number,), (self.tables[entries],), bounds)


def dais_binary(listing: Listing) -> bytes:
    """The little-endian 32-bit words of DAIS v1."""
    words: list[int] = [1, 0, listing.num_inputs, len(listing.outputs), len(listing.words), len(listing.tables)]
    words += [0] * listing.num_inputs
    words += [number for number, _ in listing.outputs]
    words += [shift for _, shift in listing.outputs]
    words += [0] * len(listing.outputs)
    for word in listing.words:
        first, second = (*word.operands, -1, -1)[:2]
        data = _dais_data(word, listing)
        kind = word.interval.fixed_type
        words += [word.opcode, first, second, _low(data), data >> 32, kind.signed, kind.int_bits, kind.frac_bits]
    words += [len(entries) for _, _, entries in listing.tables]
    words += [entry for _, _, entries in listing.tables for entry in entries]
    return struct.pack(f'<{len(words)}i', *words)


def _low(data: int) -> int:
    return ((data & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000


def _dais_data(word: Word, listing: Listing, padded: bool = True) -> int:
    """The 64-bit datum of a word."""
    if word.opcode == 6:
        return (word.data[0] << 32) | word.operands[2]
    if word.opcode == 10:
        return (word.data[1] << 56) | (word.data[0] & 0xFFFFFFFF)
    if word.opcode == 8 and padded:
        source = listing.words[word.operands[0]].interval
        lowest = -(1 << (source.width_bits - 1)) if source.signed else 0
        return ((source.lo - lowest) << 32) | word.data[0]
    return word.data[0] if word.data else 0


def dais_json(listing: Listing) -> list[Any]:
    """The nine fields of da4ml's JSON."""
    ops = [
        [*(*word.operands, -1, -1)[:2], word.opcode, _dais_data(word, listing, padded=False), *_cost(word.interval)]
        for word in listing.words
    ]
    return [*_ports(listing), ops, -1, -1, _tables(listing)]


def alir_json(listing: Listing) -> dict[str, Any]:
    """alkaid's JSON."""
    ops = []
    for word in listing.words:
        operands, data = list(word.operands), list(word.data)
        if word.opcode == -1:
            operands, data = [], [word.operands[0]]
        ops.append([operands, word.opcode, data, *_cost(word.interval)])
    return {
        'meta': 'ALIRModel',
        'spec_version': 4,
        'model': [*_ports(listing), ops, -1, -1, _tables(listing)],
    }


def _ports(listing: Listing) -> list[Any]:
    outputs = listing.outputs
    return [
        [listing.num_inputs, len(outputs)],
        [0] * listing.num_inputs,
        [number for number, _ in outputs],
        [shift for _, shift in outputs],
        [False] * len(outputs),
    ]


def _cost(interval: Interval) -> list[Any]:
    """A range with latency and cost, which are theirs to reckon."""
    step = 2.0**interval.exp
    return [[interval.lo * step, interval.hi * step, step], 0.0, 0.0]


def _tables(listing: Listing) -> list[Any] | None:
    tables = []
    for bounds, bits, entries in listing.tables:
        digest = sha256(','.join(map(str, entries)).encode()).hexdigest()
        limits = {'min': float(bounds.lo), 'max': float(bounds.hi), 'step': 1.0}
        tables.append({'spec': {'hash': digest, 'out_qint': limits, 'inp_width': bits}, 'table': list(entries)})
    return tables or None
