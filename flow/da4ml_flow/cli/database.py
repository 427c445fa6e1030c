"""Which results database a command means, and putting a run into it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from da4ml_flow.errors import Location, ResultsError
from da4ml_flow.results.record import RunRecord

if TYPE_CHECKING:
    from da4ml_flow.config.load import LoadedConfig
    from da4ml_flow.results.place import Place
    from da4ml_flow.results.store import Store

VARIABLE = 'DA4ML_FLOW_DB'
DEFAULT = 'sqlite:///results/da4ml.sqlite'


def chosen_database(option: str | None, loaded: LoadedConfig | None) -> Place | None:
    """The database of the option, the environment, the configuration, or the default; None if that says none."""
    from da4ml_flow.results.place import place_of

    named = option or os.environ.get(VARIABLE)
    if named:
        return place_of(named, Path.cwd())
    if loaded is None:
        return place_of(DEFAULT, Path.cwd())
    url = loaded.config.results.database
    return None if url is None else place_of(url, loaded.root)


def named_database(option: str | None, config_file: Path | None) -> Place:
    """The same for a command that needs one; raises ResultsError if the configuration says none."""
    loaded = None
    if config_file is not None:
        from da4ml_flow.config.load import load_config

        loaded = load_config(config_file)
    place = chosen_database(option, loaded)
    if place is None:
        raise ResultsError('this configuration records no results', hint='results: {database: sqlite:///...}')
    return place


def open_store(place: Place, *, create: bool) -> Store:
    """The open database; says so if it had to be upgraded."""
    from da4ml_flow.results.place import shown
    from da4ml_flow.results.store import Store

    store = Store(place, create=create)
    if store.upgrade is not None:
        click.echo(f'upgraded {shown(place)}; as it was it is kept in {store.upgrade.kept}', err=True)
    return store


def record_run(run: RunRecord, loaded: LoadedConfig, *, reused: bool) -> None:
    """Put the run into the configuration's database; an earlier run is there already unless the database is lost."""
    place = chosen_database(None, loaded)
    if place is None or (reused and (not isinstance(place, Path) or place.is_file())):
        return
    from da4ml_flow.results.place import shown

    try:
        open_store(place, create=True).record(run)
    except ResultsError as error:
        raise ResultsError(
            f'the run is not in the database: {error.message}',
            location=error.location or Location(shown(place)),
            notes=(f'nothing is lost: its record is {run.uid}.json in the folder of runs',),
            hint=error.hint,
        ) from error
