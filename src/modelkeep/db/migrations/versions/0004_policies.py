"""Policies of organisations, checks, promotion requests."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
REPO_ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "organisation_policies",
        sa.Column("namespace_id", NUMBER, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("updated_by", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["namespace_id"],
            ["namespaces.id"],
            name=op.f("fk_organisation_policies_namespace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("namespace_id", name=op.f("pk_organisation_policies")),
    )
    _create_checks()
    _create_requests()


def _create_checks() -> None:
    op.create_table(
        "version_checks",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("artifact", TEXT, nullable=False),
        sa.Column("commit_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("summary", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=True),
        sa.Column("user_id", NUMBER, nullable=True),
        sa.Column("username", TEXT, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_version_checks_repo_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_version_checks_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version_checks")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_version_checks_repo_id_commit_id_artifact_name_id"),
        "version_checks",
        ["repo_id", "commit_id", "artifact", "name", "id"],
    )


def _create_requests() -> None:
    op.create_table(
        "promotion_requests",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("artifact", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("commit_id", TEXT, nullable=False),
        sa.Column("stage", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("proposer_id", NUMBER, nullable=True),
        sa.Column("proposer", TEXT, nullable=False),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("policy_digest", TEXT, nullable=True),
        sa.Column("previous", TEXT, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.Column("tag", TEXT, nullable=True),
        sa.Column("reason", TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_promotion_requests_repo_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["proposer_id"], ["users.id"], name=op.f("fk_promotion_requests_proposer_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotion_requests")),
        sa.UniqueConstraint("repo_id", "number", name=op.f("uq_promotion_requests_repo_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_promotion_requests_live",
        "promotion_requests",
        ["repo_id", "artifact", "stage", "commit_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(op.f("ix_promotion_requests_state_id"), "promotion_requests", ["state", "id"])
    op.create_table(
        "promotion_reviews",
        sa.Column("request_id", NUMBER, nullable=False),
        sa.Column("user_id", NUMBER, nullable=False),
        sa.Column("username", TEXT, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("comment", TEXT, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["promotion_requests.id"],
            name=op.f("fk_promotion_reviews_request_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_promotion_reviews_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("request_id", "user_id", name=op.f("pk_promotion_reviews")),
    )
