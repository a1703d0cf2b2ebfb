"""The index of cards, headers of files, and counts of downloads."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
REPO_ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "repo_cards",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("license", TEXT, nullable=True),
        sa.Column("library", TEXT, nullable=True),
        sa.Column("pipeline_tag", TEXT, nullable=True),
        sa.Column("parameters", NUMBER, nullable=True),
        sa.Column("dtypes", TEXT, nullable=True),
        sa.Column("data", TEXT, nullable=False),
        _of_repo("repo_cards"),
        sa.PrimaryKeyConstraint("repo_id", name=op.f("pk_repo_cards")),
    )
    for column in ("pipeline_tag", "library", "parameters"):
        op.create_index(op.f(f"ix_repo_cards_{column}"), "repo_cards", [column])
    op.create_table(
        "repo_tags",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("tag", TEXT, nullable=False),
        sa.Column("tag_folded", TEXT, nullable=False),
        sa.Column("place", NUMBER, nullable=False),
        _of_repo("repo_tags"),
        sa.PrimaryKeyConstraint("repo_id", "tag", name=op.f("pk_repo_tags")),
    )
    op.create_index(op.f("ix_repo_tags_tag_folded"), "repo_tags", ["tag_folded"])
    op.create_table(
        "file_headers",
        sa.Column("oid", TEXT, nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("oid", name=op.f("pk_file_headers")),
    )
    _create_counts()
    # Their digests are those of no refs: the index is made when the hub starts.
    repos = sa.table("repos", sa.column("refs_digest", sa.LargeBinary()))
    op.execute(sa.update(repos).values(refs_digest=bytes(32)))


def _create_counts() -> None:
    op.create_table(
        "repo_downloads",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("day", NUMBER, nullable=False),
        sa.Column("count", NUMBER, nullable=False),
        _of_repo("repo_downloads"),
        sa.PrimaryKeyConstraint("repo_id", "day", name=op.f("pk_repo_downloads")),
    )
    op.create_index(op.f("ix_repo_downloads_day"), "repo_downloads", ["day"])
    op.create_table(
        "repo_counts",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("recent_downloads", NUMBER, nullable=False),
        sa.Column("all_downloads", NUMBER, nullable=False),
        _of_repo("repo_counts"),
        sa.PrimaryKeyConstraint("repo_id", name=op.f("pk_repo_counts")),
    )
    op.create_index(
        "uq_repo_counts_recent_downloads_repo_id", "repo_counts", ["recent_downloads", "repo_id"], unique=True
    )
    op.execute(
        "INSERT INTO repo_counts (repo_id, recent_downloads, all_downloads) SELECT id, 0, 0 FROM repos"
    )


def _of_repo(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["repo_id"], ["repos.id"], name=op.f(f"fk_{table}_repo_id"), ondelete="CASCADE"
    )
