"""Sweeps and their points, each with the run that built it."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'sweep',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('uid', sa.String(64), nullable=False),
        sa.Column('name', sa.String(100), nullable=False),
        sa.Column('definition', sa.Text, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_sweep'),
        sa.UniqueConstraint('uid', name='uq_sweep_uid'),
    )
    op.create_table(
        'sweep_point',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('sweep_id', sa.Integer, nullable=False),
        sa.Column('run_id', sa.Integer),
        sa.Column('key', sa.String(64), nullable=False),
        sa.Column('values', sa.Text, nullable=False),
        sa.Column('status', sa.String(16), nullable=False),
        sa.Column('rung', sa.String(16), nullable=False),
        sa.Column('message', sa.Text, nullable=False),
        sa.Column('finished', sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_sweep_point'),
        sa.ForeignKeyConstraint(['sweep_id'], ['sweep.id'], name='fk_sweep_point_sweep_id_sweep', ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['run_id'], ['run.id'], name='fk_sweep_point_run_id_run', ondelete='SET NULL'),
        sa.UniqueConstraint('sweep_id', 'key', name='uq_sweep_point_sweep_id_key'),
    )
    op.create_index('ix_sweep_point_run_id', 'sweep_point', ['run_id'])


def downgrade() -> None:
    op.drop_table('sweep_point')
    op.drop_table('sweep')
