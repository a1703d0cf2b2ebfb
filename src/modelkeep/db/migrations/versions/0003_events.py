"""Events: the outbox, webhooks, their deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
REPO_ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_outbox()
    _create_webhooks()
    _create_deliveries()


def _create_outbox() -> None:
    op.create_table(
        "outbox_events",
        sa.Column("sequence", NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("repo", TEXT, nullable=True),
        sa.Column("repo_id", TEXT, nullable=True),
        sa.Column("namespace_id", NUMBER, nullable=True),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_outbox_events")),
        sa.UniqueConstraint("id", name=op.f("uq_outbox_events_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_outbox_events_repo_id_sequence"), "outbox_events", ["repo_id", "sequence"])
    op.create_index(
        op.f("ix_outbox_events_namespace_id_sequence"), "outbox_events", ["namespace_id", "sequence"]
    )
    op.create_index(op.f("ix_outbox_events_at"), "outbox_events", ["at"])


def _create_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("repo_id", REPO_ID, nullable=True),
        sa.Column("namespace_id", NUMBER, nullable=True),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("artifacts", sa.JSON(), nullable=False),
        sa.Column("stages", sa.JSON(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("old_secret", sa.LargeBinary(), nullable=True),
        sa.Column("old_secret_until", TIME, nullable=True),
        sa.Column("after_sequence", NUMBER, nullable=False),
        sa.Column("failing_since", TIME, nullable=True),
        sa.Column("paused_until", TIME, nullable=True),
        sa.Column("job_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_webhooks_repo_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["namespace_id"], ["namespaces.id"], name=op.f("fk_webhooks_namespace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_webhooks_repo_id"), "webhooks", ["repo_id"])
    op.create_index(op.f("ix_webhooks_namespace_id"), "webhooks", ["namespace_id"])


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("webhook_id", NUMBER, nullable=False),
        sa.Column("event_id", TEXT, nullable=False),
        sa.Column("event_type", TEXT, nullable=False),
        sa.Column("body", TEXT, nullable=False),
        sa.Column("replay_of", TEXT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=True),
        sa.Column("last_status", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_deliveries_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("id", name=op.f("uq_deliveries_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_deliveries_webhook_id_number"), "deliveries", ["webhook_id", "number"])
    op.create_index(op.f("ix_deliveries_created_at"), "deliveries", ["created_at"])
    for name, columns, unique, where in (
        ("uq_deliveries_first", ["webhook_id", "event_id"], True, "replay_of IS NULL"),
        ("ix_deliveries_pending", ["webhook_id", "next_attempt_at"], False, "state = 'pending'"),
    ):
        op.create_index(
            name,
            "deliveries",
            columns,
            unique=unique,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    op.create_table(
        "delivery_attempts",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("delivery_number", NUMBER, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("milliseconds", NUMBER, nullable=False),
        sa.Column("request_headers", sa.JSON(), nullable=False),
        sa.Column("status", NUMBER, nullable=True),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", TEXT, nullable=False),
        sa.Column("error", TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_number"],
            ["deliveries.number"],
            name=op.f("fk_delivery_attempts_delivery_number"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_delivery_attempts")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_delivery_attempts_delivery_number_number"),
        "delivery_attempts",
        ["delivery_number", "number"],
    )
