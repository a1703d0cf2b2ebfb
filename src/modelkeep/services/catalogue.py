"""Lists of models and datasets with what their cards say."""

from __future__ import annotations

from collections.abc import Sequence

from modelkeep.db import cards
from modelkeep.db.catalogue import list_catalogue
from modelkeep.domain.access import Actor
from modelkeep.domain.cards import CardFields
from modelkeep.domain.catalogue import HubFilter, Listed
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.domain.repos import Repo, RepoKind
from modelkeep.services.downloads import Downloads
from modelkeep.services.ports import Stores


class Catalogue:
    """Finds repos by what their cards say."""

    def __init__(self, stores: Stores, downloads: Downloads) -> None:
        self._stores = stores
        self._downloads = downloads

    def page(self, actor: Actor, kind: RepoKind, filters: HubFilter, page: PageRequest) -> Page[Listed]:
        """Repos of a kind that the actor may read, the newest (or most downloaded) first.

        Raises:
            InvalidInput: The cursor belongs to another list.
        """
        with self._stores.database.read() as tx:
            found = list_catalogue(tx, actor, kind, filters, page)
        return Page(tuple(self.listed(found.items)), found.next_cursor)

    def listed(self, found: Sequence[Repo]) -> list[Listed]:
        """Repos that the actor was found to be allowed to read, with what lists show of them."""
        repo_ids = [repo.id for repo in found]
        with self._stores.database.read() as tx:
            known = cards.cards_of(tx, repo_ids)
        counts = self._downloads.of(repo_ids)
        return [
            Listed(repo, known.get(repo.id, CardFields()), *counts.get(repo.id, (0, 0))) for repo in found
        ]
