"""Alembic's entry point. :mod:`modelkeep.db.schema` gives the connection, already inside a transaction."""

from alembic import context

from modelkeep.db.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
