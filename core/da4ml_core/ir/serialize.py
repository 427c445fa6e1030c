"""Programs as JSON files (.json, .json.gz): our own format, versioned, exact for integers of any size."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from da4ml_core.errors import Location, ParseError, VerificationError, VersionError
from da4ml_core.fixed import FixedType, Interval, Overflow, Rounding
from da4ml_core.ir.opcode import Attribute, BitFunction, InputPort, Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program, Shape
from da4ml_core.ir.table import Lookup, Table
from da4ml_core.ir.verify import verify

FORMAT = 'da4ml-flow program'
VERSION = 1
MAX_BYTES = 1 << 28  # of a file, unpacked


def program_to_data(program: Program) -> dict[str, Any]:
    """The program as JSON-ready data; origins are stored once and referred to by number."""
    origins: dict[str, int] = {}
    tables = {table: number for number, table in enumerate(program.tables)}
    ops = [
        [
            str(op.opcode),
            [list(edge) for edge in op.operands],
            list(op.interval),
            _attribute_data(op.attribute, tables),
            origins.setdefault(op.origin, len(origins)),
        ]
        for op in program.ops
    ]
    return {
        'format': FORMAT,
        'version': VERSION,
        'name': program.name,
        'input_shapes': [list(shape) for shape in program.input_shapes],
        'output_shapes': [list(shape) for shape in program.output_shapes],
        'origins': list(origins),
        **({'tables': [[table.exp, list(table.entries)] for table in tables]} if tables else {}),
        'ops': ops,
        'outputs': [list(edge) for edge in program.outputs],
    }


def program_from_data(data: Any) -> Program:
    """The verified program of JSON data; raises ParseError, VersionError or VerificationError."""
    if not isinstance(data, dict) or data.get('format') != FORMAT:
        raise ParseError(f'not a program: the key "format" is not {FORMAT!r}')
    version = data.get('version')
    if version != VERSION:
        raise VersionError(
            f'the program is of format version {version!r}; this version of da4ml-flow reads {VERSION}',
            hint='install a newer da4ml-flow' if isinstance(version, int) and version > VERSION else '',
        )
    try:
        origins = [str(origin) for origin in data['origins']]
        tables = [_table(item) for item in data.get('tables', ())]
        program = Program(
            name=str(data['name']),
            ops=tuple(_op(number, item, origins, tables) for number, item in enumerate(data['ops'])),
            outputs=tuple(_edge(item) for item in data['outputs']),
            input_shapes=_shapes(data['input_shapes']),
            output_shapes=_shapes(data['output_shapes']),
        )
    except (KeyError, TypeError, ValueError, IndexError) as cause:
        if isinstance(cause, ParseError):
            raise
        raise ParseError(f'the program is malformed: {cause!r}') from cause
    return verify(program)


def save_program(program: Program, path: str | Path) -> None:
    """Write a program; the same program gives the same bytes. ``.gz`` compresses."""
    path = Path(path)
    encoded = json.dumps(program_to_data(program), separators=(',', ':')).encode()
    if path.suffix == '.gz':
        encoded = gzip.compress(encoded, mtime=0)
    path.write_bytes(encoded)


def load_program(path: str | Path) -> Program:
    """Read a program; raises ParseError with the path for a truncated or foreign file."""
    path = Path(path)
    try:
        data = json.loads(read_bounded(path))
    except ParseError:
        raise
    except OSError as cause:
        if isinstance(cause, gzip.BadGzipFile):
            raise ParseError(f'not a gzip file: {cause}', location=Location(str(path))) from cause
        raise ParseError(f'cannot read the program: {cause.strerror or cause}', location=Location(str(path))) from cause
    except (EOFError, zlib.error, ValueError, RecursionError) as cause:
        raise ParseError(f'truncated or not JSON: {cause}', location=Location(str(path))) from cause
    try:
        return program_from_data(data)
    except (ParseError, VersionError, VerificationError) as error:
        error.location = Location(str(path))
        raise


def read_bounded(path: Path) -> bytes:
    """The file, unpacked if it ends in .gz; raises ParseError where that has no end in sight."""
    with path.open('rb') as file:
        data = (gzip.GzipFile(fileobj=file) if path.suffix == '.gz' else file).read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ParseError(f'more than {MAX_BYTES >> 20} MB of program', location=Location(str(path)))
    return data


def _attribute_data(attribute: Attribute, tables: Mapping[Table, int]) -> list[Any] | None:
    if attribute is None:
        return None
    if isinstance(attribute, BitFunction):
        return [str(attribute)]
    if isinstance(attribute, Lookup):
        return [tables[attribute.table], attribute.first, attribute.exp]
    if isinstance(attribute, InputPort):
        return [attribute.position, *_quantization_data(attribute.quantization)]
    return _quantization_data(attribute)


def _quantization_data(quantization: Quantization) -> list[Any]:
    return [list(quantization.type), str(quantization.rounding), str(quantization.overflow)]


def _op(number: int, item: Sequence[Any], origins: Sequence[str], tables: Sequence[Table]) -> Op:
    try:
        name, operands, interval, attribute, origin = item
        opcode = Opcode(name)
        return Op(
            opcode,
            tuple(_edge(edge) for edge in operands),
            Interval.check(*interval),
            _attribute(opcode, attribute, tables),
            origins[_integer(origin)],
        )
    except (TypeError, ValueError, IndexError) as cause:
        raise ParseError(f'op {number} is malformed: {cause}') from cause


def _attribute(opcode: Opcode, data: Sequence[Any] | None, tables: Sequence[Table]) -> Attribute:
    if data is None:
        return None
    if opcode is Opcode.BITWISE:
        (name,) = data
        return BitFunction(name)
    if opcode is Opcode.LOOKUP:
        number, first, exp = (_integer(item) for item in data)
        if not 0 <= number < len(tables):
            raise ParseError(f'there is no table {number}')
        return Lookup(tables[number], first, exp)
    if opcode is Opcode.INPUT:
        return InputPort(_integer(data[0]), _quantization(data[1:]))
    return _quantization(data)


def _table(data: Sequence[Any]) -> Table:
    exp, entries = data
    return Table(tuple(_integer(entry) for entry in entries), _integer(exp))


def _quantization(data: Sequence[Any]) -> Quantization:
    kind, rounding, overflow = data
    return Quantization(FixedType.check(*kind), Rounding(rounding), Overflow(overflow))


def _edge(data: Sequence[Any]) -> Operand:
    index, shift, negated = data
    if not isinstance(negated, bool):
        raise ParseError(f'the sign of an edge is true or false, not {negated!r}')
    return Operand(_integer(index), _integer(shift), negated)


def _integer(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int):
        raise ParseError(f'expected an integer, not {number!r}')
    return number


def _shapes(data: Sequence[Sequence[Any]]) -> tuple[Shape, ...]:
    return tuple(tuple(_integer(extent) for extent in shape) for shape in data)
