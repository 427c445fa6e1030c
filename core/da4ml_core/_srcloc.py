"""Where in the user's code the current call came from."""

from __future__ import annotations

import linecache
import sys

from da4ml_core.errors import Location

_OTHERS = frozenset({'da4ml_core', 'numpy', 'scipy'}) | sys.stdlib_module_names  # whose lines are not the user's


def user_location() -> Location | None:
    """File and line of the nearest caller outside this package, numpy, scipy and Python's library; None without one.

    Modules are told by name, not by path: what ``exec`` runs, as the cells of notebooks, may have no file.
    """
    frame = sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get('__name__')).partition('.')[0] not in _OTHERS:
            path = frame.f_code.co_filename
            text = linecache.getline(path, frame.f_lineno).rstrip()
            stripped = text.lstrip()
            column = len(text) - len(stripped) + 1
            return Location(path, frame.f_lineno, column, text or None, max(1, len(stripped)))
        frame = frame.f_back  # type: ignore[assignment]
    return None
