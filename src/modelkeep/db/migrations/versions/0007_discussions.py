"""Gated repos and who may read them; discussions and pull requests."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
REPO_ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("repos", sa.Column("gated", TEXT, nullable=True))
    _create_discussions()
    _create_access_requests()


def _create_discussions() -> None:
    op.create_table(
        "discussions",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("is_pull_request", sa.Boolean(), nullable=False),
        sa.Column("author_id", NUMBER, nullable=True),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=True),
        sa.Column("base_commit", TEXT, nullable=True),
        sa.Column("merge_commit", TEXT, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_discussions_repo_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=op.f("fk_discussions_author_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discussions")),
        sa.UniqueConstraint("repo_id", "number", name=op.f("uq_discussions_repo_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_discussions_repo_id_author_id"), "discussions", ["repo_id", "author_id"])
    op.create_table(
        "discussion_events",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("discussion_id", NUMBER, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("user_id", NUMBER, nullable=True),
        sa.Column("username", TEXT, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("content", TEXT, nullable=False),
        sa.Column("before", TEXT, nullable=True),
        sa.Column("edits", TEXT, nullable=False),
        sa.Column("is_hidden", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["discussion_id"],
            ["discussions.id"],
            name=op.f("fk_discussion_events_discussion_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_discussion_events_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discussion_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_discussion_events_discussion_id_id"), "discussion_events", ["discussion_id", "id"]
    )
    op.create_table(
        "announcements",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("user_id", NUMBER, nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_announcements_repo_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_announcements_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "user_id", name=op.f("pk_announcements")),
    )


def _create_access_requests() -> None:
    op.create_table(
        "access_requests",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("user_id", NUMBER, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("decided_by", TEXT, nullable=True),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("fields", TEXT, nullable=False),
        sa.Column("is_granted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_access_requests_repo_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_access_requests_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_requests")),
        sa.UniqueConstraint("repo_id", "user_id", name=op.f("uq_access_requests_repo_id_user_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_access_requests_repo_id_status_id"), "access_requests", ["repo_id", "status", "id"]
    )
    op.create_index(op.f("ix_access_requests_user_id_status"), "access_requests", ["user_id", "status"])
