"""Run by Alembic for each migration, on the connection that the store hands it."""

from alembic import context

from da4ml_flow.results.tables import metadata

context.configure(
    connection=context.config.attributes['connection'],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,
)
context.run_migrations()
