"""Where in the user's code the current call came from."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path

from da4ml_core.errors import Location

_PACKAGE = str(Path(__file__).parent)


def user_location() -> Location | None:
    """File and line of the nearest caller outside this package and numpy; None if there is none."""
    frame = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        if not path.startswith(_PACKAGE) and '/numpy/' not in path and not path.startswith('<'):
            text = linecache.getline(path, frame.f_lineno).rstrip()
            stripped = text.lstrip()
            column = len(text) - len(stripped) + 1
            return Location(path, frame.f_lineno, column, text or None, max(1, len(stripped)))
        frame = frame.f_back  # type: ignore[assignment]
    return None
