"""Where results are: an SQLite file or a PostgreSQL server."""

from __future__ import annotations

import re
from pathlib import Path

from da4ml_flow.errors import FlowError

Place = Path | str  # an SQLite file, or the URL of a server
_PASSWORD = re.compile(r'(?P<user>://[^/:@]*:)[^/]*(?=@)|(?P<key>[?&]password=)[^&]*')


def place_of(url: str, root: Path) -> Place:
    """The file of an SQLite URL, from the given folder, or the URL of a server; raises FlowError for others."""
    match = re.fullmatch(r'sqlite:///(.+)', url)
    if match is not None:
        return root / Path(match.group(1)).expanduser()
    if re.match(r'postgresql(\+psycopg)?://', url):
        return url
    hint = 'write sqlite:///path/to/file.sqlite or postgresql://user@host/database'
    raise FlowError(f'not the URL of a results database: {_without_password(url)!r}', hint=hint)


def shown(place: Place) -> str:
    """The place for messages: without a password."""
    return str(place) if isinstance(place, Path) else _without_password(place)


def _without_password(url: str) -> str:
    return _PASSWORD.sub(lambda found: f'{found["user"] or found["key"]}***', url)
