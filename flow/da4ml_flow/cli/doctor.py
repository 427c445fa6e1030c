"""`da4ml-flow doctor`: the tools that are there."""

from __future__ import annotations

import click

from da4ml_flow.cli.options import JSON


@click.command()
@JSON
def doctor(as_json: bool) -> int:
    """Show every tool that a build can use: version, place, and how to get what is missing.

    Exits with 3 if a tool is missing that is not optional.
    """
    from da4ml_flow.cli.console import print_json, print_table
    from da4ml_flow.eda.tools import doctor as tool_states
    from da4ml_flow.report.table import Table

    rows = tool_states()
    complete = all(row.status == 'ok' or row.optional for row in rows)
    if as_json:
        print_json({'ok': complete, 'tools': [row.data() for row in rows]})
    else:
        headers = ('tool', 'status', 'version', 'for', 'where, or how to get it')
        cells = tuple(
            (
                row.name,
                'optional' if row.optional and row.status == 'missing' else row.status,
                row.version,
                row.purpose,
                row.path if row.status == 'ok' else row.hint,
            )
            for row in rows
        )
        print_table(Table('', headers, cells))
    return 0 if complete else 3
