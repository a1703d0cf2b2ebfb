"""What the index says about a repo's card and weights: read from the default branch, the same whenever it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from modelkeep.db.transaction import Transaction
from modelkeep.domain.artifacts import Json
from modelkeep.domain.cards import CardFields, Parameters, tags_of
from modelkeep.domain.errors import ModelkeepError
from modelkeep.domain.repos import RepoKind
from modelkeep.services.card_reading import read_card
from modelkeep.services.weights import Weights, formats_at

_MOST_DATA = 64 << 10
"""Characters of front matter (as JSON) that lists carry; a longer one loses its long fields."""
_LONG_FIELDS = 2000


def card_fields(weights: Weights, git_dir: Path, commit: str, kind: RepoKind, tx: Transaction) -> CardFields:
    """What lists know of a repo whose default branch is at a commit.

    What cannot be read is left out: a damaged repository must not keep its refs from being indexed.
    """
    try:
        card = read_card(git_dir, commit)
        formats = formats_at(git_dir, commit)
    except ModelkeepError:
        return CardFields()
    return CardFields(
        data=_short(card.data),
        license=card.license,
        library=card.library,
        pipeline_tag=card.pipeline_tag,
        tags=tags_of(card, kind, formats),
        parameters=_parameters(weights, git_dir, commit, tx),
    )


def _parameters(weights: Weights, git_dir: Path, commit: str, tx: Transaction) -> Parameters | None:
    try:
        found = weights.summary(git_dir, commit, tx)
    except ModelkeepError:
        return None
    return found.parameters if found else None


def _short(data: Mapping[str, Json]) -> Mapping[str, Json]:
    sizes = {name: len(json.dumps(value)) + len(name) for name, value in data.items()}
    if sum(sizes.values()) <= _MOST_DATA:
        return data
    kept = {name: value for name, value in data.items() if sizes[name] <= _LONG_FIELDS}
    return kept if sum(sizes[name] for name in kept) <= _MOST_DATA else {}
