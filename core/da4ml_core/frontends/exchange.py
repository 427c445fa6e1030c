"""Read programs in the formats of the neighbours: DAIS v1, binary and JSON, and ALIR v4 JSON."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from da4ml_core.errors import Da4mlError, FormatError, Location, ParseError, VersionError
from da4ml_core.fixed import FixedType, Interval
from da4ml_core.frontends.exchange_build import MAX_SHIFT, Listing, Word, build_program, exact_interval
from da4ml_core.ir.program import Program
from da4ml_core.ir.serialize import load_program, read_bounded

EXCHANGE_SUFFIXES = ('.dais', '.dais.json', '.alir.json', '.alir.json.gz')
NO_JSON = (json.JSONDecodeError, UnicodeDecodeError, RecursionError)
NEGATION = 12  # what ALIR writes as -2, where DAIS has the relu of a negative


def load_saved(path: Path) -> Program:
    """A program in any format, ours or that of a neighbour; raises as :func:`load_exchange` does."""
    return load_exchange(path) if path.name.endswith(EXCHANGE_SUFFIXES) else load_program(path)


def load_exchange(path: Path) -> Program:
    """The program of a file, by its suffix; raises ParseError, VersionError or VerificationError with the path."""
    name = path.name.split('.')[0] or 'program'
    try:
        encoded = read_bounded(path)
        listing = _dais_binary(encoded, name) if path.suffix == '.dais' else _json(json.loads(encoded), name)
        return build_program(listing)
    except (OSError, EOFError, zlib.error, struct.error, *NO_JSON) as cause:
        raise ParseError(f'truncated, or not of its kind: {cause}', location=Location(str(path))) from cause
    except Da4mlError as error:
        if isinstance(error, FormatError):
            raise ParseError(f'the program is malformed: {error}', location=Location(str(path))) from error
        error.location = Location(str(path))
        raise
    except (LookupError, TypeError, ValueError, OverflowError) as cause:
        raise ParseError(f'the program is malformed: {cause}', location=Location(str(path))) from cause


def _json(data: Any, name: str) -> Listing:
    if isinstance(data, dict):
        if data.get('meta') != 'ALIRModel':
            raise ParseError('not a program: "meta" is not "ALIRModel"')
        if data.get('spec_version') != 4:
            raise VersionError(f'ALIR of version {data.get("spec_version")!r}; this version of da4ml-flow reads 4')
        fields, make = data['model'], _alir_word
    else:
        fields, make = data, _dais_word
    if not isinstance(fields, list) or len(fields) not in (8, 9) or not isinstance(fields[0][0], int):
        raise ParseError('not one program but a pipeline, or none', hint='only combinational programs are read')
    shape, shifts, indices, out_shifts, negatives, ops = fields[:6]
    if len(shifts) != shape[0] or len(indices) != shape[1]:
        raise ParseError(f'the shape {shape} is not that of the ports')
    intervals = [exact_interval(op[-3]) for op in ops]
    words = [make(op, interval, intervals) for op, interval in zip(ops, intervals, strict=True)]
    outputs = list(zip(_integers(indices), _integers(out_shifts), map(bool, negatives), strict=True))
    tables = [_integers(table['table']) for table in (fields[8] if len(fields) == 9 and fields[8] else ())]
    return Listing(name, _integers(shifts), words, outputs, tables)


def _integers(numbers: Sequence[Any]) -> tuple[int, ...]:
    if any(isinstance(number, bool) or not isinstance(number, int) for number in numbers):
        raise ParseError(f'expected integers, not {list(numbers)[:8]}')
    return tuple(numbers)


def _signed(word: int) -> int:
    """The 32 low bits of a number, in two's complement."""
    return ((word & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000


def _dais_word(op: Sequence[Any], interval: Interval, intervals: Sequence[Interval]) -> Word:
    first, second, opcode, data = _integers(op[:4])
    low, high = _signed(data), _signed(data >> 32)
    origin = intervals[first].lo if abs(opcode) == 8 else 0
    return _word(opcode, first, second, data, low, high, interval, intervals, origin)


def _word(
    opcode: int, first: int, second: int, data: int, low: int, high: int, interval: Interval,
    intervals: Sequence[Interval], origin: int,
) -> Word:  # fmt: skip
    """A word of DAIS; ``origin`` is the operand that a table begins with."""
    pair = (first, second)
    match abs(opcode):
        case 0 | 7:
            return Word(opcode, pair, (data,), interval)
        case 1 if opcode == -1:
            return Word(opcode, (first,), (), interval)
        case 1:
            return Word(opcode, pair, (data,), interval)
        case 2 | 3:
            return Word(opcode, (first,), (0,), interval)
        case 4:
            return Word(opcode, (first,), (data, interval.exp), interval)
        case 5:
            return Word(opcode, (), (data, interval.exp), interval)
        case 6:
            return Word(opcode, (*pair, low), (high,), interval)
        case 8:
            return Word(opcode, (first,), (low, origin, intervals[first].exp), interval)
        case 9:
            return Word(opcode, (first,), (low,), interval)
        case 10:
            return Word(opcode, pair, (low, (data >> 56) & 0xFF, data >> 32 & 1, data >> 33 & 1), interval)
    raise ParseError(f'unknown operation {opcode}')


def _alir_word(op: Sequence[Any], interval: Interval, intervals: Sequence[Interval]) -> Word:
    operands, opcode, data = _integers(op[0]), op[1], _integers(op[2])
    if opcode == -2:
        return Word(NEGATION, operands, (), interval)
    if opcode == -1:
        return Word(-1, data, (), interval)
    if opcode == 4:
        return Word(4, operands, (data[0], -data[1]), interval)
    if opcode == 5:
        return Word(5, (), (data[0], interval.exp), interval)
    if opcode == 8:
        source = intervals[operands[0]]
        return Word(8, operands, (data[0], source.lo, source.exp), interval)
    if opcode == 10:
        return Word(10, operands, (*data[:2], 0, 0), interval)
    if opcode == 11:
        if len(data) != 2 * len(operands) or not operands or any(sign not in (0, 1) for sign in data[::2]):
            raise ParseError('a sum (operation 11) without a sign and a shift for each operand')
        return Word(11, operands, data, interval)
    if opcode in (2, 3, 0, 1, 6, 7, 9):
        return Word(opcode, operands, data or (0,), interval)
    raise ParseError(f'unknown operation {opcode}')


def _dais_binary(encoded: bytes, name: str) -> Listing:
    words = struct.unpack(f'<{len(encoded) // 4}i', encoded)
    if len(words) < 6:
        raise ParseError('truncated: there is no header')
    version, _, num_inputs, num_outputs, num_ops, num_tables = words[:6]
    if version != 1:
        raise VersionError(f'DAIS of version {version}; this version of da4ml-flow reads 1')
    if min(words[2:6]) < 0:
        raise ParseError('the header counts fewer than nothing')
    place = 6

    def take(count: int) -> tuple[int, ...]:
        nonlocal place
        if count < 0 or place + count > len(words):
            raise ParseError('truncated: the header promises more')
        place += count
        return words[place - count : place]

    shifts = take(num_inputs)
    outputs = list(zip(take(num_outputs), take(num_outputs), map(bool, take(num_outputs)), strict=True))
    rows = [take(8) for _ in range(num_ops)]
    kinds = [FixedType(bool(row[5]), row[6], row[7]) for row in rows]
    if any(abs(kind.int_bits) + abs(kind.frac_bits) > 2 * MAX_SHIFT for kind in kinds):
        raise ParseError('there is an operation without a sensible type')
    intervals = [kind.interval for kind in kinds]
    ops = []
    for (opcode, first, second, low, high, *_), interval in zip(rows, intervals, strict=True):
        data = (high << 32) | (low & 0xFFFFFFFF)
        origin = intervals[first].lo + high if abs(opcode) == 8 and 0 <= first < len(intervals) else 0
        ops.append(_word(opcode, first, second, data, low, high, interval, intervals, origin))
    tables = [take(size) for size in take(num_tables)]
    if place != len(words):
        raise ParseError(f'{len(words) - place} words are left over')
    return Listing(name, shifts, ops, outputs, tables)
