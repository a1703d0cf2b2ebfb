"""What a tenant holds of the Xet store: xorbs it may build files from, chunks it is told about."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from modelkeep.db.tables.base import Base, OidText


class XorbLinks(Base):
    """That a tenant has sent a xorb: the right to build files from it.

    ``owner_id`` is 0 for what the members of a namespace share, and a user's id for what somebody else sent there.
    ``batch`` is common to the xorbs that were first named by one shard; ``size`` is in bytes, as sent.
    """

    __tablename__ = "xorb_links"
    __table_args__ = (Index(None, "xorb"), Index(None, "namespace_id", "owner_id", "batch"))

    namespace_id: Mapped[int] = mapped_column(
        ForeignKey("namespaces.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    owner_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    xorb: Mapped[OidText] = mapped_column(primary_key=True)
    size: Mapped[int]
    batch: Mapped[str | None]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]


class XetChunks(Base):
    """Chunks that clients ask about before they send, and a xorb of the tenant that holds each."""

    __tablename__ = "xet_chunks"
    __table_args__ = (Index(None, "xorb"),)

    namespace_id: Mapped[int] = mapped_column(
        ForeignKey("namespaces.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    owner_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    chunk: Mapped[OidText] = mapped_column(primary_key=True)
    xorb: Mapped[OidText]


class XetEpochs(Base):
    """How often what a tenant's clients remember was declared void; no row for never."""

    __tablename__ = "xet_epochs"

    namespace_id: Mapped[int] = mapped_column(
        ForeignKey("namespaces.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    owner_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int]
