"""An index that answers what a figure of a run is: SQLite took the other one, and read the figure of every run."""

from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index('ix_metric_run_id_name', 'metric')
    op.create_index('ix_metric_run_id_name', 'metric', ['run_id', 'name', 'rank', 'stage', 'value'])


def downgrade() -> None:
    op.drop_index('ix_metric_run_id_name', 'metric')
    op.create_index('ix_metric_run_id_name', 'metric', ['run_id', 'name'])
