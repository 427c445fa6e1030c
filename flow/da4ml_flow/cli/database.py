"""Which results database a command means, and putting a run into it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from da4ml_flow.config.load import LoadedConfig
from da4ml_flow.errors import FlowError, Location, ResultsError
from da4ml_flow.results.record import RunRecord

VARIABLE = 'DA4ML_FLOW_DB'
DEFAULT = 'sqlite:///results/da4ml.sqlite'


def database_path(url: str, root: Path) -> Path:
    """The file of an SQLite URL, from the given folder; raises FlowError for other URLs."""
    match = re.fullmatch(r'sqlite:///(.+)', url)
    if match is None:
        raise FlowError(f'not an SQLite URL: {url!r}', hint='write sqlite:///path/to/file.sqlite')
    return root / Path(match.group(1)).expanduser()


def chosen_database(option: str | None, loaded: LoadedConfig | None) -> Path | None:
    """The database of the option, the environment, the configuration, or the default; None if that says none."""
    named = option or os.environ.get(VARIABLE)
    if named:
        return database_path(named, Path.cwd())
    if loaded is None:
        return database_path(DEFAULT, Path.cwd())
    url = loaded.config.results.database
    return None if url is None else database_path(url, loaded.root)


def record_run(run: RunRecord, loaded: LoadedConfig, *, reused: bool) -> None:
    """Put the run into the configuration's database; an earlier run is there already unless the database is lost."""
    path = chosen_database(None, loaded)
    if path is None or (reused and path.is_file()):
        return
    from da4ml_flow.results.store import Store

    try:
        Store(path, create=True).record(run)
    except ResultsError as error:
        raise ResultsError(
            f'the run is not in the database: {error.message}',
            location=error.location or Location(str(path)),
            notes=(f'nothing is lost: its record is {run.uid}.json in the folder of runs',),
            hint=error.hint,
        ) from error
