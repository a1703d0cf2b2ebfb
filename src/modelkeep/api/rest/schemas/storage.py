"""Shapes about the room that repos take. Every size is in bytes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from modelkeep.api.rest.schemas.base import Answer, Moment, Sent


class VersionStorage(Answer):
    """What a version takes."""

    artifact: str
    version: str
    commit: str
    files: int
    size: int = Field(description="Of its files, as a download has them.")
    added: int = Field(description="Stored bytes that no earlier version of the repo has.")


class RepoStorage(Answer):
    """What a repo takes."""

    repo: str
    files: int = Field(description="Different large files, in all its history.")
    logical: int = Field(description="Of these files, as downloads have them.")
    stored: int = Field(description="That these files take; parts that they share count once.")
    saved: int = Field(description="The difference.")
    git: int = Field(description="Of its Git repository on disk.")
    versions: list[VersionStorage] = Field(description="The earliest first.")


class Collection(Sent):
    """What to collect."""

    dry_run: bool = Field(False, description="Only count it.")


class Collected(Answer):
    """What was removed, or would be."""

    blobs: int
    xorbs: int
    freed: int = Field(description="On disk.")


class Rechunk(Answer):
    """Where the making of chunks from a repo's whole files stands."""

    state: Literal["waiting", "running", "done", "failed"]
    files_done: int
    files_total: int = Field(description="0 until it is known.")
    error: str | None = Field(description="Why it failed.")
    asked_at: Moment
    ended_at: Moment | None


class HubStorage(Answer):
    """What all repos take together."""

    blobs: int = Field(description="Different large files.")
    logical: int = Field(description="Of these files, as downloads have them.")
    whole: int = Field(description="Of those that are stored whole.")
    xorbs: int = Field(description="Packs of chunks that files share.")
    packed: int = Field(description="Of these packs on disk.")
    stored: int = Field(description="In the store: whole files and packs.")
