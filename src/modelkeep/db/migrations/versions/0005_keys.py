"""The SSH keys of users."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "user_keys",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("user_id", NUMBER, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("removed_at", TIME, nullable=True),
        sa.Column("is_revoked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_keys_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_keys")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_user_keys_user_id"), "user_keys", ["user_id"])
    op.create_index(
        op.f("ix_user_keys_fingerprint"),
        "user_keys",
        ["fingerprint"],
        unique=True,
        sqlite_where=sa.text("NOT is_revoked"),
        postgresql_where=sa.text("NOT is_revoked"),
    )
