"""The tables of the results database; the JSON records hold the same and more."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

REVISION = '0004'  # the newest migration
OLDER = ('0001', '0002', '0003')  # brought up to date by whoever opens them, with a copy kept

metadata = MetaData(
    naming_convention={
        'ix': 'ix_%(table_name)s_%(column_0_N_name)s',
        'uq': 'uq_%(table_name)s_%(column_0_N_name)s',
        'ck': 'ck_%(table_name)s_%(constraint_name)s',
        'fk': 'fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s',
        'pk': 'pk_%(table_name)s',
    }
)


def _child_of(parent: str, *, index: bool = True) -> Column[int]:
    return Column(f'{parent}_id', ForeignKey(f'{parent}.id', ondelete='CASCADE'), nullable=False, index=index)


run = Table(
    'run',
    metadata,
    Column('id', Integer, primary_key=True),
    Column('uid', String(64), nullable=False, unique=True),
    Column('name', String, nullable=False),
    Column('config', Text, nullable=False),  # JSON, as resolved
    Column('config_hash', String(64), nullable=False),
    Column('status', String(16), nullable=False),
    Column('started', String(40), nullable=False),  # UTC, ISO 8601
    Column('wall_s', Float, nullable=False),
    Column('host', Text, nullable=False),
    Column('user', Text, nullable=False),
    Column('git_commit', String(64)),
    Column('git_dirty', Boolean),
    Column('package_version', String(64), nullable=False),
    Index(None, 'name', 'started'),
    Index(None, 'started'),
)

stage_run = Table(
    'stage_run',
    metadata,
    Column('id', Integer, primary_key=True),
    _child_of('run'),
    Column('stage', String(32), nullable=False),
    Column('key', String(64)),
    Column('status', String(16), nullable=False),
    Column('cached', Boolean, nullable=False),
    Column('started', String(40)),
    Column('wall_s', Float, nullable=False),
    Column('directory', Text, nullable=False),
    Column('message', Text, nullable=False),
)

tool = Table(
    'tool',
    metadata,
    Column('id', Integer, primary_key=True),
    _child_of('stage_run'),
    Column('name', String, nullable=False),
    Column('version', String, nullable=False),
    Column('path', Text, nullable=False),
)

metric = Table(
    'metric',
    metadata,
    Column('id', Integer, primary_key=True),
    _child_of('run', index=False),
    Column('stage', String(32), nullable=False),
    Column('tool', String, nullable=False),
    Column('part', String, nullable=False),
    Column('name', String(64), nullable=False),
    Column('value', Float, nullable=False),
    Column('unit', String(16), nullable=False),
    # 0: the first figure of this name in its run, which stands for it; 1: the first in its stage; 2: another
    Column('rank', Integer, nullable=False, server_default='2'),
    # each answers its questions by itself: which runs have such a figure, and what a figure of a run is
    Index('ix_metric_name_value', 'name', 'value', 'rank', 'stage', 'run_id'),
    Index('ix_metric_run_id_name', 'run_id', 'name', 'rank', 'stage', 'value'),
)

artifact = Table(
    'artifact',
    metadata,
    Column('id', Integer, primary_key=True),
    _child_of('stage_run'),
    Column('name', String, nullable=False),
    Column('path', Text, nullable=False),
    Column('sha256', String(64), nullable=False),
    Column('size', BigInteger, nullable=False),
)

sweep = Table(
    'sweep',
    metadata,
    Column('id', Integer, primary_key=True),
    Column('uid', String(64), nullable=False, unique=True),
    Column('name', String, nullable=False),
    Column('definition', Text, nullable=False),  # JSON: the section of the configuration
)

sweep_point = Table(
    'sweep_point',
    metadata,
    Column('id', Integer, primary_key=True),
    Column('sweep_id', ForeignKey('sweep.id', ondelete='CASCADE'), nullable=False),
    Column('run_id', ForeignKey('run.id', ondelete='SET NULL'), index=True),
    Column('key', String(64), nullable=False),
    Column('values', Text, nullable=False),  # JSON: key -> value
    Column('status', String(16), nullable=False),
    Column('rung', String(16), nullable=False),
    Column('message', Text, nullable=False),
    Column('finished', String(40), nullable=False),
    UniqueConstraint('sweep_id', 'key'),
)
