"""Results databases as earlier versions made them, for tests of what opens them."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from da4ml_flow.results import tables
from da4ml_flow.results.database import open_engine

RUN = {
    'uid': 'u1',
    'name': 'jet',
    'config': '{}',
    'config_hash': 'c',
    'status': 'ok',
    'started': '2026-01-01',
    'wall_s': 1.0,
    'host': 'h',
    'user': 'u',
    'git_commit': None,
    'git_dirty': None,
    'package_version': '0.1.0',
}
RANKS = (0, 1, 2, 0)  # of
FIGURES = (('luts', 'synthesize', 12.0), ('luts', 'implement', 15.0), ('luts', 'implement', 16.0), ('ffs', 's', 3.0))


def older(place: Path | str, revision: str) -> None:
    """A database as that version made it, with a run."""
    if isinstance(place, Path):
        place.parent.mkdir(parents=True, exist_ok=True)
    engine = open_engine(place, writing=True)
    with engine.execution_options(write=True).begin() as connection:
        config = Config()
        config.set_main_option('script_location', str(Path(tables.__file__).parent / 'migrations'))
        config.attributes['connection'] = connection
        command.upgrade(config, revision)
        found = sa.MetaData()
        found.reflect(connection, only=['run', 'metric'])
        connection.execute(found.tables['run'].insert(), RUN)
        rows = [
            {'run_id': 1, 'stage': stage, 'tool': '', 'part': '', 'name': name, 'value': value, 'unit': ''}
            for name, stage, value in FIGURES
        ]
        if 'rank' in found.tables['metric'].c:
            rows = [{**row, 'rank': rank} for row, rank in zip(rows, RANKS, strict=True)]
        connection.execute(found.tables['metric'].insert(), rows)
