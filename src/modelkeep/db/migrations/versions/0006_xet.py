"""The Xet store: which tenant holds which xorbs, the chunks that it is told about, and the Xet hashes of blobs."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
HASH = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("blobs", sa.Column("xet_hash", HASH, nullable=True))
    op.create_index(op.f("ix_blobs_xet_hash"), "blobs", ["xet_hash"])
    _create(
        "xorb_links",
        sa.Column("xorb", HASH, nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("batch", TEXT, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=False),
        key=("xorb",),
    )
    op.create_index(op.f("ix_xorb_links_xorb"), "xorb_links", ["xorb"])
    op.create_index(
        op.f("ix_xorb_links_namespace_id_owner_id_batch"),
        "xorb_links",
        ["namespace_id", "owner_id", "batch"],
    )
    _create(
        "xet_chunks",
        sa.Column("chunk", HASH, nullable=False),
        sa.Column("xorb", HASH, nullable=False),
        key=("chunk",),
    )
    op.create_index(op.f("ix_xet_chunks_xorb"), "xet_chunks", ["xorb"])
    _create("xet_epochs", sa.Column("epoch", NUMBER, nullable=False), key=())


def _create(table: str, *columns: sa.Column[object], key: tuple[str, ...]) -> None:
    """A table with rows of tenants."""
    op.create_table(
        table,
        sa.Column("namespace_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("owner_id", NUMBER, autoincrement=False, nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["namespace_id"],
            ["namespaces.id"],
            name=op.f(f"fk_{table}_namespace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("namespace_id", "owner_id", *key, name=op.f(f"pk_{table}")),
    )
