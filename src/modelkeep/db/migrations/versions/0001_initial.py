"""Accounts, repos, the index of refs and tags, blobs, locks, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
REPO_ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
OID = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
BOOLEAN = sa.Boolean()
BYTES = sa.LargeBinary()


def upgrade() -> None:
    _create_accounts()
    _create_repos()
    _create_registry()
    _create_blobs()
    _create_hub()
    _make_audit_append_only()


def _create_accounts() -> None:
    op.create_table(
        "namespaces",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("name_folded", TEXT, nullable=False),
        sa.Column("is_organisation", BOOLEAN, nullable=False),
        sa.Column("full_name", TEXT, nullable=False),
        sa.Column("default_visibility", TEXT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["namespaces.id"], name=op.f("fk_namespaces_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_namespaces")),
        sa.UniqueConstraint("name_folded", name=op.f("uq_namespaces_name_folded")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "namespace_aliases",
        sa.Column("name_folded", TEXT, nullable=False),
        sa.Column("namespace_id", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["namespace_id"],
            ["namespaces.id"],
            name=op.f("fk_namespace_aliases_namespace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("name_folded", name=op.f("pk_namespace_aliases")),
    )
    op.create_index(op.f("ix_namespace_aliases_namespace_id"), "namespace_aliases", ["namespace_id"])
    op.create_table(
        "users",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("password_hash", TEXT, nullable=True),
        sa.Column("is_hub_admin", BOOLEAN, nullable=False),
        sa.Column("is_disabled", BOOLEAN, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["id"], ["namespaces.id"], name=op.f("fk_users_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_table(
        "memberships",
        sa.Column("namespace_id", NUMBER, nullable=False),
        sa.Column("user_id", NUMBER, nullable=False),
        sa.Column("role", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["namespace_id"], ["namespaces.id"], name=op.f("fk_memberships_namespace_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_memberships_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("namespace_id", "user_id", name=op.f("pk_memberships")),
    )
    op.create_index(op.f("ix_memberships_user_id"), "memberships", ["user_id"])
    op.create_table(
        "tokens",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("user_id", NUMBER, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("secret_hash", BYTES, nullable=False),
        sa.Column("hint", TEXT, nullable=False),
        sa.Column("scopes", TEXT, nullable=False),
        sa.Column("limits", TEXT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("last_used_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_tokens_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_tokens_secret_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_tokens_user_id"), "tokens", ["user_id"])
    op.create_table(
        "login_failures",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("failures", NUMBER, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_failures")),
    )
    op.create_index(op.f("ix_login_failures_last_at"), "login_failures", ["last_at"])


def _create_repos() -> None:
    op.create_table(
        "repos",
        sa.Column("id", REPO_ID, nullable=False),
        sa.Column("namespace_id", NUMBER, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("name_folded", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("visibility", TEXT, nullable=False),
        sa.Column("default_branch", TEXT, nullable=False),
        sa.Column("pristine_commit", TEXT, nullable=True),
        sa.Column("refs_digest", BYTES, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("deleted_at", TIME, nullable=True),
        sa.Column("deleted_by", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(
            ["deleted_by"], ["users.id"], name=op.f("fk_repos_deleted_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["namespace_id"], ["namespaces.id"], name=op.f("fk_repos_namespace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repos")),
    )
    op.create_index(op.f("ix_repos_created_at_id"), "repos", ["created_at", "id"])
    op.create_index(
        "ix_repos_deleted_at",
        "repos",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_repos_namespace_id"), "repos", ["namespace_id"])
    op.create_index(op.f("ix_repos_updated_at_id"), "repos", ["updated_at", "id"])
    op.create_index(
        "uq_repos_name",
        "repos",
        ["namespace_id", "kind", "name_folded"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "repo_labels",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("label", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_repo_labels_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "label", name=op.f("pk_repo_labels")),
    )
    op.create_index(op.f("ix_repo_labels_label"), "repo_labels", ["label"])
    op.create_table(
        "repo_members",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("user_id", NUMBER, nullable=False),
        sa.Column("role", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_repo_members_repo_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_repo_members_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "user_id", name=op.f("pk_repo_members")),
    )
    op.create_index(op.f("ix_repo_members_user_id"), "repo_members", ["user_id"])
    op.create_table(
        "repo_aliases",
        sa.Column("namespace_id", NUMBER, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("name_folded", TEXT, nullable=False),
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["namespace_id"], ["namespaces.id"], name=op.f("fk_repo_aliases_namespace_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_repo_aliases_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("namespace_id", "kind", "name_folded", name=op.f("pk_repo_aliases")),
    )
    op.create_index(op.f("ix_repo_aliases_repo_id"), "repo_aliases", ["repo_id"])
    op.create_table(
        "protections",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("is_tag", BOOLEAN, nullable=False),
        sa.Column("pattern", TEXT, nullable=False),
        sa.Column("push_role", NUMBER, nullable=False),
        sa.Column("allows_force", BOOLEAN, nullable=False),
        sa.Column("allows_delete", BOOLEAN, nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_protections_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_protections")),
        sa.UniqueConstraint(
            "repo_id", "is_tag", "pattern", name=op.f("uq_protections_repo_id_is_tag_pattern")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "git_refs",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("commit_id", TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_git_refs_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "name", name=op.f("pk_git_refs")),
    )


def _create_registry() -> None:
    op.create_table(
        "artifacts",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("artifact", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_artifacts_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "artifact", name=op.f("pk_artifacts")),
    )
    op.create_table(
        "registry_events",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("tag", TEXT, nullable=False),
        sa.Column("artifact", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=True),
        sa.Column("stage", TEXT, nullable=True),
        sa.Column("counter", NUMBER, nullable=True),
        sa.Column("commit_id", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("at", NUMBER, nullable=False),
        sa.Column("offset_minutes", NUMBER, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("author_email", TEXT, nullable=False),
        sa.Column("message", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_registry_events_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "tag", name=op.f("pk_registry_events")),
    )
    op.create_index(op.f("ix_registry_events_repo_id_artifact"), "registry_events", ["repo_id", "artifact"])
    op.create_table(
        "versions",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("artifact", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("commit_id", TEXT, nullable=False),
        sa.Column("tag", TEXT, nullable=False),
        sa.Column("sort_key", TEXT, nullable=False),
        sa.Column("is_active", BOOLEAN, nullable=False),
        sa.Column("is_latest", BOOLEAN, nullable=False),
        sa.Column("registered_at", TIME, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("author_email", TEXT, nullable=False),
        sa.Column("message", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_versions_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "artifact", "version", name=op.f("pk_versions")),
    )
    op.create_index(
        op.f("ix_versions_repo_id_artifact_sort_key_version"),
        "versions",
        ["repo_id", "artifact", "sort_key", "version"],
    )
    op.create_index(
        "uq_versions_latest",
        "versions",
        ["repo_id", "artifact"],
        unique=True,
        sqlite_where=sa.text("is_latest"),
        postgresql_where=sa.text("is_latest"),
    )
    op.create_table(
        "stage_holders",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("artifact", TEXT, nullable=False),
        sa.Column("stage", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=True),
        sa.Column("commit_id", TEXT, nullable=False),
        sa.Column("tag", TEXT, nullable=False),
        sa.Column("assigned_at", TIME, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("author_email", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_stage_holders_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "artifact", "stage", name=op.f("pk_stage_holders")),
    )
    op.create_table(
        "tag_problems",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("tag", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("remedy", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_tag_problems_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "tag", name=op.f("pk_tag_problems")),
    )


def _create_blobs() -> None:
    op.create_table(
        "blobs",
        sa.Column("oid", OID, nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("oid", name=op.f("pk_blobs")),
    )
    op.create_table(
        "blob_links",
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("oid", OID, nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_blob_links_created_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["oid"], ["blobs.oid"], name=op.f("fk_blob_links_oid")),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_blob_links_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "oid", name=op.f("pk_blob_links")),
    )
    op.create_index(op.f("ix_blob_links_oid"), "blob_links", ["oid"])
    op.create_table(
        "lfs_locks",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("repo_id", REPO_ID, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("ref", TEXT, nullable=True),
        sa.Column("owner_id", NUMBER, nullable=False),
        sa.Column("locked_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_lfs_locks_owner_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repos.id"], name=op.f("fk_lfs_locks_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lfs_locks")),
        sa.UniqueConstraint("repo_id", "path", name=op.f("uq_lfs_locks_repo_id_path")),
    )


def _create_hub() -> None:
    op.create_table(
        "hub",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_hub")),
    )
    op.create_table(
        "audit",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("user_id", NUMBER, nullable=True),
        sa.Column("username", TEXT, nullable=False),
        sa.Column("token_id", NUMBER, nullable=True),
        sa.Column("address", TEXT, nullable=False),
        sa.Column("door", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("repo_id", TEXT, nullable=True),
        sa.Column("namespace_id", NUMBER, nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_namespace_id_id"), "audit", ["namespace_id", "id"])
    op.create_index(op.f("ix_audit_repo_id_id"), "audit", ["repo_id", "id"])
    op.create_index(op.f("ix_audit_username_id"), "audit", ["username", "id"])


def _make_audit_append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )
