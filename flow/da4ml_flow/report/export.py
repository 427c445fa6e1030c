"""Rows of typed columns for other programs: CSV, JSON and Parquet, to a file whole or not at all, or to a stream."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from da4ml_flow.errors import ResultsError
from da4ml_flow.workspace import system_errors, written_durably

Value = str | int | float | bool | None
Kind = type[str] | type[int] | type[float] | type[bool]
BATCH = 20_000  # rows that are held at once


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of values in named columns, each of one type or None; they may come from an iterator, and are read once."""

    columns: Mapping[str, Kind]
    rows: Iterable[Sequence[Value]]


def export(rows: Rows, path: Path, form: str) -> None:
    """Write a file of that form, and the folder it is in; raises ResultsError, and WorkspaceError of the file."""
    with _target(path) as file:
        FORMS[form](rows, file)


def export_text(text: str, path: Path) -> None:
    """Write a file of text in the same way."""
    with _target(path) as file:
        file.write(text.encode())


def export_lines(lines: Iterable[str], path: Path) -> None:
    """Write a file of lines, which may come from an iterator, in the same way."""
    with _target(path) as file:
        write_lines(lines, file)


def write_lines(lines: Iterable[str], file: BinaryIO) -> None:
    """Each with its end."""
    file.writelines(f'{line}\n'.encode() for line in lines)


@contextmanager
def _target(path: Path) -> Iterator[BinaryIO]:
    with system_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_durably(path) as file:
            yield file


def write_csv(rows: Rows, file: BinaryIO) -> None:
    """A line of names, then a line a row; numbers so that they are read back as they were, None as nothing."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(rows.columns)
    for batch in _batches(rows.rows):
        writer.writerows([_written(value) for value in row] for row in batch)
        file.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()
    file.write(text.getvalue().encode())


def write_json(rows: Rows, file: BinaryIO) -> None:
    """A list of objects, one a line."""
    names = tuple(rows.columns)
    separator = '['
    for row in rows.rows:
        item = json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, allow_nan=False)
        file.write(f'{separator}\n{item}'.encode())
        separator = ','
    file.write(b'[]\n' if separator == '[' else b'\n]\n')


def write_parquet(rows: Rows, file: BinaryIO) -> None:
    """Apache Parquet with a type a column; raises ResultsError if pyarrow is not installed."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        hint = "pip install 'da4ml-flow[parquet]'"
        raise ResultsError(f'Parquet needs pyarrow: {error}', hint=hint) from None

    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in rows.columns.items()])
    with parquet.ParquetWriter(file, schema) as writer:
        for batch in _batches(rows.rows):
            columns = zip(*batch, strict=True)
            arrays = [pyarrow.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_table(pyarrow.table(arrays, schema=schema))


FORMS: Mapping[str, Callable[[Rows, BinaryIO], None]] = {
    'csv': write_csv,
    'json': write_json,
    'parquet': write_parquet,
}


def _batches(rows: Iterable[Sequence[Value]]) -> Iterator[list[Sequence[Value]]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def _written(value: Value) -> str | int | float | None:
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
        return int(value)  # counts come out of databases as floats
    return value
