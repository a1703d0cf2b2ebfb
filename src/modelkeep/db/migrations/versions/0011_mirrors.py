"""Mirrors of namespaces elsewhere."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "mirrors",
        sa.Column("namespace_id", NUMBER, nullable=False),
        sa.Column("endpoint", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("fresh_for", NUMBER, nullable=False),
        sa.Column("include", sa.JSON(), nullable=False),
        sa.Column("exclude", sa.JSON(), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("set_at", TIME, nullable=False),
        sa.Column("set_by", TEXT, nullable=False),
        sa.Column("set_by_id", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(
            ["namespace_id"], ["namespaces.id"], name=op.f("fk_mirrors_namespace_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["set_by_id"], ["users.id"], name=op.f("fk_mirrors_set_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("namespace_id", name=op.f("pk_mirrors")),
    )
