"""Where results go: to stdout, as JSON or as tables."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from da4ml_flow.errors import Da4mlError
from da4ml_flow.report.table import Table


def print_json(data: Any) -> None:
    """One JSON object, alone on stdout."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def print_table(table: Table) -> None:
    """The table on stdout, drawn if that is a terminal."""
    if not sys.stdout.isatty():
        click.echo(table.plain())
        return
    from rich.console import Console

    Console().print(table.rich())


def error_data(error: Da4mlError) -> dict[str, Any]:
    """An error as JSON-ready data."""
    location = error.location
    return {
        'code': error.code,
        'message': error.message,
        'location': None if location is None else str(location),
        'context': error.context,
        'notes': list(error.notes),
        'hint': error.hint,
    }
