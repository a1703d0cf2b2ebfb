"""The index of cards: what lists search by, and what they show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, select, union_all

from modelkeep.db.batches import batches
from modelkeep.db.row_sets import replace_rows
from modelkeep.db.storable import storable
from modelkeep.db.tables import RepoCards, RepoLabels, Repos, RepoTags
from modelkeep.db.transaction import Transaction
from modelkeep.domain.cards import CardFields
from modelkeep.domain.catalogue import HubFilter
from modelkeep.domain.names import fold

_CARD_COLUMNS = ("repo_id", "license", "library", "pipeline_tag", "parameters", "dtypes", "data")
_TAG_COLUMNS = ("repo_id", "tag", "tag_folded", "place")
_MAX_INT = 2**63 - 1


def set_card(tx: Transaction, repo_id: str, card: CardFields) -> None:
    """Makes the index say exactly this about a repo's card."""
    data = json.dumps(card.data, ensure_ascii=True, separators=(",", ":"))
    dtypes = None if card.parameters is None else json.dumps(dict(sorted(card.parameters.items())))
    total = None if card.total is None else min(card.total, _MAX_INT)
    row = (repo_id, card.license, card.library, card.pipeline_tag, total, dtypes, data)
    replace_rows(tx, RepoCards, _CARD_COLUMNS, repo_id, [] if card == CardFields() else [row])
    tags = list(dict.fromkeys(storable(tag) for tag in card.tags))
    replace_rows(
        tx, RepoTags, _TAG_COLUMNS, repo_id, [(repo_id, tag, fold(tag), n) for n, tag in enumerate(tags)]
    )


def cards_of(tx: Transaction, repo_ids: Sequence[str]) -> dict[str, CardFields]:
    """What is known of the cards of these repos, by id; those without a card are left out."""
    cards: dict[str, Row[*tuple[Any, ...]]] = {}
    tags: dict[str, list[str]] = {}
    for some in batches(repo_ids):
        for row in tx.execute(select(RepoCards.__table__).where(RepoCards.repo_id.in_(some))):
            cards[row.repo_id] = row
        sorted_tags = select(RepoTags.repo_id, RepoTags.tag).order_by(RepoTags.repo_id, RepoTags.place)
        for row in tx.execute(sorted_tags.where(RepoTags.repo_id.in_(some))):
            tags.setdefault(row.repo_id, []).append(row.tag)
    return {repo_id: _fields(row, tags.get(repo_id, [])) for repo_id, row in cards.items()}


def conditions(wanted: HubFilter) -> list[ColumnElement[bool]]:
    """What ``wanted`` says about cards and weights of the repo in ``repos``, and whether it is gated."""
    found = [_tagged(tag) for tag in wanted.tags]
    if wanted.pipeline_tag is not None:
        found.append(_of_card(RepoCards.pipeline_tag == storable(wanted.pipeline_tag)))
    if wanted.library is not None:
        # A tag, too, and those are compared without case.
        found.append(_tagged(wanted.library))
    if wanted.least_parameters is not None:
        found.append(_of_card(RepoCards.parameters >= min(wanted.least_parameters, _MAX_INT)))
    if wanted.most_parameters is not None:
        found.append(_of_card(RepoCards.parameters <= min(wanted.most_parameters, _MAX_INT)))
    if wanted.is_gated is not None:
        found.append(Repos.gated.is_not(None) if wanted.is_gated else Repos.gated.is_(None))
    return found


def _tagged(tag: str) -> ColumnElement[bool]:
    """That the card, or a label, says so."""
    sought = fold(storable(tag))
    said = select(RepoTags.repo_id).where(RepoTags.tag_folded == sought)
    labelled = select(RepoLabels.repo_id).where(RepoLabels.label == sought)
    return Repos.id.in_(union_all(said, labelled))


def _of_card(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return Repos.id.in_(select(RepoCards.repo_id).where(condition))


def _fields(row: Row[*tuple[Any, ...]], tags: Sequence[str]) -> CardFields:
    return CardFields(
        data=json.loads(row.data),
        license=row.license,
        library=row.library,
        pipeline_tag=row.pipeline_tag,
        tags=tuple(tags),
        parameters=None if row.dtypes is None else json.loads(row.dtypes),
    )
