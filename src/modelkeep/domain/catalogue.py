"""Lists of models and datasets as the Hub's clients ask for them: what is sought, and what is found."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from modelkeep.domain.cards import CardFields
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.repos import Repo

CatalogueSort = Literal["updated", "created", "downloads"]

_SIZE = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)([KMBT]?)", re.ASCII | re.IGNORECASE)
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


@dataclass(frozen=True, slots=True)
class HubFilter:
    """What to look for. Everything given must hold; names compare without case.

    Attributes:
        search: Texts that ``namespace/name`` or the description hold, all of them.
        author: The user or organisation.
        tags: Tags in the Hub's spelling, such as ``license:mit`` or ``pytorch``, or labels; all of them.
        pipeline_tag: What the model does.
        library: What loads it.
        is_gated: Whether its content must be asked for; None for either.
        least_parameters: Of the weights; repos whose number is not known are left out then.
        most_parameters: The same.
    """

    search: tuple[str, ...] = ()
    author: str | None = None
    tags: tuple[str, ...] = ()
    pipeline_tag: str | None = None
    library: str | None = None
    is_gated: bool | None = None
    least_parameters: int | None = None
    most_parameters: int | None = None
    sort: CatalogueSort = "updated"


@dataclass(frozen=True, slots=True)
class Listed:
    """A repo with what lists show of it.

    Attributes:
        repo: The repo; ``repo.gated`` says whether its content must be asked for.
        card: What its default branch says.
        downloads: In the last 30 days.
        all_downloads: Ever.
        likes: Always 0: this hub does not count them.
    """

    repo: Repo
    card: CardFields = field(default_factory=CardFields)
    downloads: int = 0
    all_downloads: int = 0
    likes: int = 0

    @property
    def tags(self) -> tuple[str, ...]:
        """All its tags."""
        return self.card.tags


def parse_parameters(text: str) -> tuple[int | None, int | None]:
    """The bounds in ``min:6B,max:128B``, either of which may be missing.

    Raises:
        InvalidInput: It is not of that form.
    """
    bounds: dict[str, int] = {}
    for part in text.split(","):
        name, colon, size = part.strip().partition(":")
        match = _SIZE.fullmatch(size.strip())
        if not colon or name not in ("min", "max") or name in bounds or match is None:
            raise InvalidInput(
                "num_parameters must be of the form 'min:6B,max:128B' (K, M, B and T are units).",
                code="invalid_parameters",
            )
        whole, _, fraction = match[1].partition(".")
        unit = _UNITS[match[2].upper()]
        bounds[name] = int(whole) * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)
    return bounds.get("min"), bounds.get("max")
