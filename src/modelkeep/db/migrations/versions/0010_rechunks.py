"""Repos whose whole files are to become chunks."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
REPO_ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "rechunks",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("user_id", NUMBER, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("files_done", NUMBER, nullable=False),
        sa.Column("files_total", NUMBER, nullable=False),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_rechunks_repo_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_rechunks_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", name=op.f("pk_rechunks")),
    )
