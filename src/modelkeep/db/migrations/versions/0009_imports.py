"""Imports from other hubs."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
REPO_ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("endpoint", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("revision", TEXT, nullable=True),
        sa.Column("include", sa.JSON(), nullable=False),
        sa.Column("exclude", sa.JSON(), nullable=False),
        sa.Column("every", NUMBER, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("wanted_commit", TEXT, nullable=True),
        sa.Column("imported_commit", TEXT, nullable=True),
        sa.Column("result_commit", TEXT, nullable=True),
        sa.Column("files_done", NUMBER, nullable=False),
        sa.Column("files_total", NUMBER, nullable=False),
        sa.Column("bytes_done", NUMBER, nullable=False),
        sa.Column("bytes_total", NUMBER, nullable=False),
        sa.Column("failures", NUMBER, nullable=False),
        sa.Column("error_code", TEXT, nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("next_at", TIME, nullable=True),
        sa.Column("job_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_by_id", NUMBER, nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_imports_repo_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["users.id"], name=op.f("fk_imports_created_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_imports_repo_id", "imports", ["repo_id"], unique=True)
    op.create_index(op.f("ix_imports_next_at"), "imports", ["next_at"])
    op.create_table(
        "import_files",
        sa.Column("import_id", NUMBER, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("oid", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_import_files_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "path", name=op.f("pk_import_files")),
    )
