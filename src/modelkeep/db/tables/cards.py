"""The index of cards and weights, headers of files, and counts of downloads."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from modelkeep.db.tables.base import Base, RepoId


class RepoCards(Base):
    """What the default branch's card says, and its weights: an index, which can be rebuilt.

    ``data`` is the front matter and ``dtypes`` the parameters by type, as JSON; ``parameters`` is their sum.
    """

    __tablename__ = "repo_cards"
    __table_args__ = (Index(None, "pipeline_tag"), Index(None, "library"), Index(None, "parameters"))

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    license: Mapped[str | None]
    library: Mapped[str | None]
    pipeline_tag: Mapped[str | None]
    parameters: Mapped[int | None]
    dtypes: Mapped[str | None]
    data: Mapped[str]


class RepoTags(Base):
    """The tags of the default branch's card: an index, which can be rebuilt. ``place`` is its rank."""

    __tablename__ = "repo_tags"
    __table_args__ = (Index(None, "tag_folded"),)

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)
    tag_folded: Mapped[str]
    place: Mapped[int]


class FileHeaders(Base):
    """What the headers of files say, by the oid (or Git's id) of their bytes: nothing that cannot be read again."""

    __tablename__ = "file_headers"

    oid: Mapped[str] = mapped_column(primary_key=True)
    header: Mapped[bytes]


class RepoDownloads(Base):
    """How often a repo's files were downloaded on a day; ``day`` counts from 1970-01-01."""

    __tablename__ = "repo_downloads"
    __table_args__ = (Index(None, "day"),)

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int]


class RepoCounts(Base):
    """Sums of :class:`RepoDownloads`, of every repo: of the last 30 days, and ever."""

    __tablename__ = "repo_counts"
    __table_args__ = (
        Index("uq_repo_counts_recent_downloads_repo_id", "recent_downloads", "repo_id", unique=True),
    )

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    recent_downloads: Mapped[int]
    all_downloads: Mapped[int]
