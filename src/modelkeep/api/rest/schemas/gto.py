"""What ``doctor`` finds. The answers of ``gto`` itself have no shape here: they are its text."""

from __future__ import annotations

from pydantic import Field

from modelkeep.api.rest.schemas.base import Answer


class Finding(Answer):
    """A tag or a file that the registry or ``gto`` cannot read."""

    tag: str | None = Field(description="Null for a file of the default branch.")
    file: str | None = Field(description="With a tag, the file at its commit.")
    line: int | None
    code: str
    reason: str
    remedy: str
    breaks_gto: bool = Field(description="Whether `gto` gives up on the whole repo because of it.")
