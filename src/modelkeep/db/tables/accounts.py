"""Namespaces, users, memberships, tokens and failed log-ins."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from modelkeep.db.tables.base import Base, Serial


class Namespaces(Base):
    """What repos are named under; a user's has the user's id."""

    __tablename__ = "namespaces"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[Serial]
    name: Mapped[str]
    name_folded: Mapped[str] = mapped_column(unique=True)
    is_organisation: Mapped[bool]
    full_name: Mapped[str]
    default_visibility: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("namespaces.id"))


class Users(Base):
    """The accounts; names are in ``namespaces``."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(ForeignKey("namespaces.id"), primary_key=True, autoincrement=False)
    email: Mapped[str]
    password_hash: Mapped[str | None]
    is_hub_admin: Mapped[bool]
    is_disabled: Mapped[bool]
    created_at: Mapped[datetime]


class Memberships(Base):
    """Roles in organisations."""

    __tablename__ = "memberships"
    __table_args__ = (Index(None, "user_id"),)

    namespace_id: Mapped[int] = mapped_column(
        ForeignKey("namespaces.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[int]


class Tokens(Base):
    """Personal access tokens. ``scopes`` and ``limits`` are lists with a space between items."""

    __tablename__ = "tokens"
    __table_args__ = (Index(None, "user_id"), {"sqlite_autoincrement": True})

    id: Mapped[Serial]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(unique=True)
    hint: Mapped[str]
    scopes: Mapped[str]
    limits: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class LoginFailures(Base):
    """How often a log-in failed in a row, by key."""

    __tablename__ = "login_failures"
    __table_args__ = (Index(None, "last_at"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]
