"""Codes to and from the packed bits of a port, and the corner cases that every design is simulated on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.codegen.bundle import PortField
from da4ml_core.errors import InterpError
from da4ml_core.ir.opcode import Quantization
from da4ml_core.ir.program import Program

Codes = NDArray[Any]  # (samples, fields) of int64, or of Python integers where a field has more than 63 bits
Records = NDArray[np.uint8]  # (samples, bytes of the port), least significant bit of the port first

_INT64_BITS = 63
_SHOWN_AS_NUMBER = 10**300
_BITS_AT_ONCE = 1 << 26
_SINGLE_CORNERS = 64  # columns that are taken to their extremes alone


def pack(fields: Sequence[PortField], codes: Codes, port_bits: int) -> Records:
    """Codes as port records; raises InterpError for a code that its field cannot hold."""
    codes = np.asarray(codes)
    if codes.ndim != 2 or codes.shape[1] != len(fields):
        raise InterpError(f'codes of shape {codes.shape} for a port of {len(fields)} fields')
    _check_range(fields, codes)
    records = np.zeros((len(codes), _bytes(port_bits)), dtype=np.uint8)
    for rows in _blocks(len(codes), port_bits):
        bits = np.zeros((len(codes[rows]), 8 * records.shape[1]), dtype=np.uint8)
        for column, field in enumerate(fields):
            width = field.width_bits
            if width:
                bits[:, field.offset : field.offset + width] = _to_bits(codes[rows, column], width)
        records[rows] = np.packbits(bits, axis=1, bitorder='little')
    return records


def unpack(fields: Sequence[PortField], records: Records) -> Codes:
    """Port records as codes: the inverse of :func:`pack`."""
    wide = any(field.width_bits > _INT64_BITS for field in fields)
    codes: Codes = np.zeros((len(records), len(fields)), dtype=object if wide else np.int64)
    for rows in _blocks(len(records), 8 * records.shape[1]):
        bits = np.unpackbits(records[rows], axis=1, bitorder='little')
        for column, field in enumerate(fields):
            if field.width_bits:
                part = bits[:, field.offset : field.offset + field.width_bits]
                codes[rows, column] = _from_bits(part, field.type.signed, wide)
    return codes


def unpack_word(fields: Sequence[PortField], word: int) -> list[int]:
    """One port record, given as a number, as codes."""
    size = max(1, _bytes(max((field.offset + field.width_bits for field in fields), default=0)))
    record = np.frombuffer(word.to_bytes(size, 'little'), dtype=np.uint8)
    return [int(code) for code in unpack(fields, record[None, :])[0]]


def number_text(code: int, field: PortField) -> str:
    """A code as the number that it stands for, and itself."""
    value = Fraction(int(code)) / Fraction(2) ** field.type.frac_bits
    return f'{float(value):.17g} (code {code})' if abs(value) < _SHOWN_AS_NUMBER else f'code {code}'


def corner_codes(ranges: Sequence[tuple[int, int]], random_samples: int = 0, seed: int = 0) -> Codes:
    """Samples whose columns lie in the ranges ``(lo, hi)``: the corners of the design, then random ones.

    All least, all greatest, zero, alternating both ways, all ones, then one column at a time at an extreme.
    """
    rest = [min(max(0, lo), hi) for lo, hi in ranges]
    alternating = [pair[index % 2] for index, pair in enumerate(ranges)]
    rows = [
        [lo for lo, _ in ranges],
        [hi for _, hi in ranges],
        rest,
        alternating,
        [lo + hi - code for code, (lo, hi) in zip(alternating, ranges, strict=True)],
        [min(max(-1, lo), hi) for lo, hi in ranges],
    ]
    for index, pair in enumerate(ranges[:_SINGLE_CORNERS]):
        rows += [[*rest[:index], extreme, *rest[index + 1 :]] for extreme in pair]
    narrow = all(lo >= -(1 << _INT64_BITS) and hi < 1 << _INT64_BITS for lo, hi in ranges)
    corners: Codes = np.array(rows, dtype=np.int64 if narrow else object).reshape(len(rows), len(ranges))
    generator = np.random.default_rng(seed)
    random: Codes = np.zeros((random_samples, len(ranges)), dtype=corners.dtype)
    for column, (lo, hi) in enumerate(ranges):
        if hi - lo < 1 << 62:
            steps = generator.integers(0, hi - lo, size=random_samples, endpoint=True)
            random[:, column] = lo + steps.astype(corners.dtype)
        else:
            size = (hi - lo).bit_length() // 8 + 8  # eight bytes more make the modulo as good as uniform
            random[:, column] = [lo + int.from_bytes(generator.bytes(size), 'little') % (hi - lo + 1) for _ in random]
    return np.concatenate([corners, random])


def input_port_codes(program: Program, fields: Sequence[PortField], codes: Codes) -> Codes:
    """Codes by input op of a program, in its order, as codes by field of the input port of its design.

    Raises InterpError unless every field is an input of the program.
    """
    waiting: dict[int, list[tuple[int, int, Quantization]]] = {}  # by position: (column, exp, quantization)
    for column, (index, port) in enumerate(program.input_ops()):
        entry = (column, program.ops[index].interval.exp, port.quantization)
        waiting.setdefault(port.position, []).append(entry)
    columns = []
    for field in fields:
        candidates = waiting.get(field.position, [])
        if not candidates:
            raise InterpError(f'the design reads element {field.position} more often than the program')
        # two ops may read one element through different quantizers
        entry = next((entry for entry in candidates if entry[2] == field.quantization), candidates[0])
        candidates.remove(entry)
        columns.append(_rescaled(codes[:, entry[0]], entry[1] + field.type.frac_bits))
    return _matrix(columns, len(codes))


def output_port_codes(program: Program, fields: Sequence[PortField], codes: Codes) -> Codes:
    """Codes by output of a program as codes by field of the output port of its design."""
    exps = [interval.exp for interval in program.output_intervals]
    columns = [_rescaled(codes[:, field.position], exps[field.position] + field.type.frac_bits) for field in fields]
    return _matrix(columns, len(codes))


def output_codes(program: Program, fields: Sequence[PortField], codes: Codes) -> Codes:
    """Codes by field of the output port as codes by output of the program: the inverse of :func:`output_port_codes`."""
    wide = codes.dtype == object
    result: Codes = np.zeros((len(codes), program.num_outputs), dtype=object if wide else np.int64)
    intervals = program.output_intervals
    for column, field in enumerate(fields):
        shift = intervals[field.position].exp + field.type.frac_bits
        result[:, field.position] = _rescaled(codes[:, column], -shift)
    return result


def still_bits(fields: Sequence[PortField], codes: Codes) -> list[tuple[PortField, int]]:
    """The bits of a port, from the lowest of each field, that are the same in all samples: codes by field."""
    still = []
    for column, field in enumerate(fields):
        ever, always = (int(ufunc.reduce(codes[:, column])) for ufunc in (np.bitwise_or, np.bitwise_and))
        still += [(field, bit) for bit in range(field.type.width_bits) if not (ever ^ always) >> bit & 1]
    return still


def _rescaled(codes: Codes, shift: int) -> Codes:
    """``codes * 2**shift``, which is an integer."""
    if shift == 0 or not codes.any():
        return codes
    return codes << shift if shift > 0 else codes >> -shift


def _matrix(columns: Sequence[Codes], samples: int) -> Codes:
    wide = any(column.dtype == object for column in columns)
    result: Codes = np.zeros((samples, len(columns)), dtype=object if wide else np.int64)
    for index, column in enumerate(columns):
        result[:, index] = column
    return result


def _check_range(fields: Sequence[PortField], codes: Codes) -> None:
    for column, field in enumerate(fields):
        lo, hi, _ = field.type.interval
        if len(codes) and (codes[:, column].min() < lo or codes[:, column].max() > hi):
            row = next(index for index, code in enumerate(codes[:, column]) if not lo <= code <= hi)
            raise InterpError(
                f'sample {row}, element {field.position}: code {codes[row, column]} is not one of {field.type}',
            )


def _to_bits(codes: Codes, width: int) -> NDArray[np.uint8]:
    if codes.dtype != object and width <= 64:
        return ((codes.astype(np.int64)[:, None] >> np.arange(width)) & 1).astype(np.uint8)
    size = _bytes(width)
    mask = (1 << width) - 1
    raw = b''.join((int(code) & mask).to_bytes(size, 'little') for code in codes)
    table = np.frombuffer(raw, dtype=np.uint8).reshape(len(codes), size)
    return np.unpackbits(table, axis=1, bitorder='little')[:, :width]


def _from_bits(bits: NDArray[np.uint8], signed: bool, wide: bool) -> Codes:
    width = bits.shape[1]
    if not wide:
        codes = np.zeros(len(bits), dtype=np.int64)
        for bit in range(width):
            codes |= bits[:, bit].astype(np.int64) << bit
        return codes - (bits[:, -1].astype(np.int64) << width) if signed and width < 64 else codes
    table = np.packbits(bits, axis=1, bitorder='little')
    values = [int.from_bytes(row.tobytes(), 'little') for row in table]
    return np.array(
        [value - (1 << width) if signed and value >> (width - 1) else value for value in values], dtype=object
    )


def _bytes(bits: int) -> int:
    return (bits + 7) // 8


def _blocks(samples: int, bits: int) -> Iterator[slice]:
    """Slices of samples that keep a matrix of their bits small."""
    step = max(1, _BITS_AT_ONCE // max(1, bits))
    return (slice(start, start + step) for start in range(0, samples, step))


def to_lines(records: Records, port_bits: int) -> list[str]:
    """Port records as binary numbers, most significant bit first, as test benches read them."""
    bits = np.unpackbits(records, axis=1, bitorder='little')[:, :port_bits][:, ::-1]
    return [row.tobytes().decode('ascii') for row in bits + ord('0')]


def from_lines(lines: Sequence[str]) -> tuple[Records, NDArray[np.bool_]]:
    """Port records of binary numbers of one width, and in which of them a bit is neither 0 nor 1 (it is a 0 there)."""
    text = np.array([list(line.encode('ascii', 'replace')) for line in lines], dtype=np.uint8)[:, ::-1]
    unknown = np.any((text != ord('0')) & (text != ord('1')), axis=1)
    return np.packbits(text == ord('1'), axis=1, bitorder='little'), unknown
