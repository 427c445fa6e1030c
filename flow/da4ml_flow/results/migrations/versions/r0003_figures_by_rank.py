"""Which figure of several stands for a run, so that runs are found and sorted by it; texts of any length."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

RANK = """
UPDATE metric SET rank = CASE
  WHEN id IN (SELECT min(id) FROM metric GROUP BY run_id, name) THEN 0
  WHEN id IN (SELECT min(id) FROM metric GROUP BY run_id, stage, name) THEN 1
  ELSE 2 END
"""
TEXTS = {
    'run': {'name': 100},
    'tool': {'name': 64, 'version': 128},
    'metric': {'tool': 64, 'part': 128},
    'artifact': {'name': 64},
    'sweep': {'name': 100},
}


def upgrade() -> None:
    op.add_column('metric', sa.Column('rank', sa.Integer, nullable=False, server_default='2'))
    op.execute(RANK)
    op.drop_index('ix_metric_name_value', 'metric')
    op.drop_index('ix_metric_run_id', 'metric')
    op.create_index('ix_metric_name_value', 'metric', ['name', 'value', 'rank', 'stage', 'run_id'])
    op.create_index('ix_metric_run_id_name', 'metric', ['run_id', 'name'])
    _alter(None)


def downgrade() -> None:
    _alter('length')
    op.drop_index('ix_metric_name_value', 'metric')
    op.drop_index('ix_metric_run_id_name', 'metric')
    op.create_index('ix_metric_run_id', 'metric', ['run_id'])
    op.create_index('ix_metric_name_value', 'metric', ['name', 'value'])
    with op.batch_alter_table('metric') as batch:
        batch.drop_column('rank')


def _alter(limit: str | None) -> None:
    """SQLite never enforced the lengths."""
    if op.get_bind().dialect.name == 'sqlite':
        return
    for table, columns in TEXTS.items():
        for column, length in columns.items():
            op.alter_column(table, column, type_=sa.String(length if limit else None))
