"""The registry across repos: artifacts at a glance, annotations, what lists sort and filter by.

The index of registry tags grows columns that only the repos can fill: the digests are reset, so that the hub rebuilds
every repo's index when it starts.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
REPO_ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BOOLEAN = sa.Boolean()


def upgrade() -> None:
    _name_repos()
    _remake_artifacts()
    _create_labels_and_problems()
    _index_events()
    op.create_index(
        op.f("ix_stage_holders_stage_repo_id_artifact"), "stage_holders", ["stage", "repo_id", "artifact"]
    )


def _name_repos() -> None:
    """Columns first with a default for the rows that are there, which the declared tables do not have."""
    with op.batch_alter_table("repos") as repos:
        repos.add_column(sa.Column("sort_name", TEXT, nullable=False, server_default=""))
        repos.add_column(sa.Column("strict_tags", BOOLEAN, nullable=False, server_default=sa.true()))
    op.execute(
        "UPDATE repos SET sort_name ="
        " (SELECT name_folded FROM namespaces WHERE id = repos.namespace_id) || ' ' || name_folded"
    )
    with op.batch_alter_table("repos") as repos:
        repos.alter_column("sort_name", existing_type=TEXT, existing_nullable=False, server_default=None)
        repos.alter_column("strict_tags", existing_type=BOOLEAN, existing_nullable=False, server_default=None)
    op.create_index("uq_repos_sort_name_id", "repos", ["sort_name", "id"], unique=True)
    op.create_index(op.f("ix_repos_visibility"), "repos", ["visibility"])
    repos_of = sa.table("repos", sa.column("refs_digest", sa.LargeBinary()))
    op.execute(sa.update(repos_of).values(refs_digest=bytes(32)))


def _remake_artifacts() -> None:
    op.drop_table("artifacts")
    op.create_table(
        "artifacts",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("artifact", TEXT, nullable=False),
        sa.Column("is_registered", BOOLEAN, nullable=False),
        sa.Column("is_active", BOOLEAN, nullable=False),
        sa.Column("latest", TEXT, nullable=True),
        sa.Column("latest_at", NUMBER, nullable=False),
        sa.Column("updated_at", NUMBER, nullable=False),
        sa.Column("versions", NUMBER, nullable=False),
        sa.Column("source", TEXT, nullable=True),
        sa.Column("type", TEXT, nullable=True),
        sa.Column("path", TEXT, nullable=True),
        sa.Column("is_virtual", BOOLEAN, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("labels", TEXT, nullable=False),
        sa.Column("custom", TEXT, nullable=False),
        sa.Column("checksum", TEXT, nullable=True),
        sa.Column("search", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_artifacts_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "artifact", name=op.f("pk_artifacts")),
    )
    for column in ("updated_at", "latest_at", "versions"):
        op.create_index(
            op.f(f"ix_artifacts_{column}_repo_id_artifact"), "artifacts", [column, "repo_id", "artifact"]
        )
    op.create_index(
        "ix_artifacts_type",
        "artifacts",
        ["type", "repo_id", "artifact"],
        sqlite_where=sa.text("type IS NOT NULL"),
        postgresql_where=sa.text("type IS NOT NULL"),
    )
    for name, column in (("deprecated", "is_active"), ("unregistered", "is_registered")):
        op.create_index(
            f"ix_artifacts_{name}",
            "artifacts",
            ["repo_id", "artifact"],
            sqlite_where=sa.text(f"{column} = 0"),
            postgresql_where=sa.text(f"NOT {column}"),
        )


def _create_labels_and_problems() -> None:
    op.create_table(
        "artifact_labels",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("artifact", TEXT, nullable=False),
        sa.Column("label", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_artifact_labels_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "artifact", "label", name=op.f("pk_artifact_labels")),
    )
    op.create_index(
        op.f("ix_artifact_labels_label_repo_id_artifact"), "artifact_labels", ["label", "repo_id", "artifact"]
    )
    op.create_table(
        "file_problems",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("file", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("remedy", TEXT, nullable=False),
        sa.Column("line", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_file_problems_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "number", name=op.f("pk_file_problems")),
    )


def _index_events() -> None:
    op.drop_index(op.f("ix_registry_events_repo_id_artifact"), "registry_events")
    for columns in (
        ("at", "repo_id", "tag"),
        ("repo_id", "at", "tag"),
        ("repo_id", "artifact", "at", "tag"),
        ("repo_id", "artifact", "commit_id"),
    ):
        op.create_index(op.f("ix_registry_events_" + "_".join(columns)), "registry_events", list(columns))
    for name, condition, *keys in (
        ("version", "version IS NOT NULL", "repo_id", "artifact", "version"),
        ("stage", "stage IS NOT NULL", "repo_id", "artifact", "stage", "at", "tag"),
        ("deprecation", "kind = 'deprecation'", "repo_id", "artifact", "at"),
        ("counter", "counter IS NOT NULL", "repo_id", "artifact", "counter"),
    ):
        op.create_index(
            f"ix_registry_events_{name}",
            "registry_events",
            keys,
            sqlite_where=sa.text(condition),
            postgresql_where=sa.text(condition),
        )
