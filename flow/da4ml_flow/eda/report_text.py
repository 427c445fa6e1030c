"""The text of a report that a tool should have left."""

from __future__ import annotations

from pathlib import Path

from da4ml_flow.errors import Location, ReportParseError


def read_report(path: Path) -> str:
    """The text of a report; raises ReportParseError if its tool left none."""
    try:
        return path.read_text(errors='replace')
    except OSError as error:
        raise ReportParseError(f'there is no report: {error.strerror}', location=Location(str(path))) from error
