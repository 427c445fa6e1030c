"""The first schema: runs, their stages, tools, metrics and artifacts."""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def _child_of(table: str, parent: str) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    constraint = sa.ForeignKeyConstraint(
        [f'{parent}_id'], [f'{parent}.id'], name=f'fk_{table}_{parent}_id_{parent}', ondelete='CASCADE'
    )
    return sa.Column(f'{parent}_id', sa.Integer, nullable=False), constraint


def upgrade() -> None:
    op.create_table(
        'run',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('uid', sa.String(64), nullable=False),
        sa.Column('name', sa.String(100), nullable=False),
        sa.Column('config', sa.Text, nullable=False),
        sa.Column('config_hash', sa.String(64), nullable=False),
        sa.Column('status', sa.String(16), nullable=False),
        sa.Column('started', sa.String(40), nullable=False),
        sa.Column('wall_s', sa.Float, nullable=False),
        sa.Column('host', sa.Text, nullable=False),
        sa.Column('user', sa.Text, nullable=False),
        sa.Column('git_commit', sa.String(64)),
        sa.Column('git_dirty', sa.Boolean),
        sa.Column('package_version', sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_run'),
        sa.UniqueConstraint('uid', name='uq_run_uid'),
    )
    op.create_index('ix_run_name_started', 'run', ['name', 'started'])
    op.create_index('ix_run_started', 'run', ['started'])
    op.create_table(
        'stage_run',
        sa.Column('id', sa.Integer, nullable=False),
        *_child_of('stage_run', 'run'),
        sa.Column('stage', sa.String(32), nullable=False),
        sa.Column('key', sa.String(64)),
        sa.Column('status', sa.String(16), nullable=False),
        sa.Column('cached', sa.Boolean, nullable=False),
        sa.Column('started', sa.String(40)),
        sa.Column('wall_s', sa.Float, nullable=False),
        sa.Column('directory', sa.Text, nullable=False),
        sa.Column('message', sa.Text, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_stage_run'),
    )
    op.create_index('ix_stage_run_run_id', 'stage_run', ['run_id'])
    op.create_table(
        'tool',
        sa.Column('id', sa.Integer, nullable=False),
        *_child_of('tool', 'stage_run'),
        sa.Column('name', sa.String(64), nullable=False),
        sa.Column('version', sa.String(128), nullable=False),
        sa.Column('path', sa.Text, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_tool'),
    )
    op.create_index('ix_tool_stage_run_id', 'tool', ['stage_run_id'])
    op.create_table(
        'metric',
        sa.Column('id', sa.Integer, nullable=False),
        *_child_of('metric', 'run'),
        sa.Column('stage', sa.String(32), nullable=False),
        sa.Column('tool', sa.String(64), nullable=False),
        sa.Column('part', sa.String(128), nullable=False),
        sa.Column('name', sa.String(64), nullable=False),
        sa.Column('value', sa.Float, nullable=False),
        sa.Column('unit', sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_metric'),
    )
    op.create_index('ix_metric_run_id', 'metric', ['run_id'])
    op.create_index('ix_metric_name_value', 'metric', ['name', 'value'])
    op.create_table(
        'artifact',
        sa.Column('id', sa.Integer, nullable=False),
        *_child_of('artifact', 'stage_run'),
        sa.Column('name', sa.String(64), nullable=False),
        sa.Column('path', sa.Text, nullable=False),
        sa.Column('sha256', sa.String(64), nullable=False),
        sa.Column('size', sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_artifact'),
    )
    op.create_index('ix_artifact_stage_run_id', 'artifact', ['stage_run_id'])


def downgrade() -> None:
    for table in ('artifact', 'metric', 'tool', 'stage_run', 'run'):
        op.drop_table(table)
