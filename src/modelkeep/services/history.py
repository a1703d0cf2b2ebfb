"""What happened in the registry: its events across repos, and who held a stage when."""

from __future__ import annotations

from collections.abc import Sequence

from modelkeep.db import history
from modelkeep.db import registry as registry_index
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.errors import NotFound
from modelkeep.domain.events import Event
from modelkeep.domain.history import fold_artifact
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.domain.past import HistoryEntry, HistoryFilter, StagePeriod, stage_periods
from modelkeep.services.access import find_repo
from modelkeep.services.ports import Stores


class History:
    """The registry's history. A registry tag that was deleted is no part of it any more."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def events(
        self,
        actor: Actor,
        page: PageRequest,
        wanted: HistoryFilter,
        *,
        repo: tuple[str, str] | None = None,
        is_ascending: bool = False,
    ) -> Page[HistoryEntry]:
        """Events of one repo, or of all that the actor may read, newest first.

        Raises:
            NotFound: ``repo`` names none.
            InvalidInput: The cursor belongs to another list.
        """
        with self._stores.database.read() as tx:
            repo_id = find_repo(tx, actor, *repo).repo.id if repo else None
            found = history.events_page(tx, actor, page, wanted, repo_id=repo_id, is_ascending=is_ascending)
            return Page(tuple(_entries(tx, found.items)), found.next_cursor)

    def of_artifact(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        page: PageRequest,
        wanted: HistoryFilter,
        *,
        is_ascending: bool = False,
    ) -> Page[HistoryEntry]:
        """Events of the artifact that ``wanted`` names.

        Raises:
            NotFound: There is no such repo, or nothing of the artifact is tagged.
        """
        found = self.events(actor, page, wanted, repo=(namespace, name), is_ascending=is_ascending)
        if not found.items:
            self._known(actor, namespace, name, wanted.artifact or "")
        return found

    def timeline(
        self, actor: Actor, namespace: str, name: str, artifact: str, stage: str
    ) -> list[StagePeriod]:
        """Who held a stage when, oldest first; empty where nobody ever did.

        Raises:
            NotFound: There is no such repo, or nothing of the artifact is tagged.
        """
        repo, events = self._known(actor, namespace, name, artifact)
        return stage_periods(repo, artifact, events, stage)

    def _known(self, actor: Actor, namespace: str, name: str, artifact: str) -> tuple[str, list[Event]]:
        """The repo's full name and all events of an artifact that there is."""
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            events = registry_index.events_of(tx, repo.id, artifact)
        if not events:
            raise NotFound(f"There is no artifact '{artifact}' in {repo.full_name}.", code="no_artifact")
        return str(repo.full_name), events


def _entries(tx: Transaction, found: Sequence[tuple[str, Event]]) -> list[HistoryEntry]:
    """Events with the names of their repos, and with the versions that their commits are."""
    names = history.names_of_repos(tx, (repo_id for repo_id, _ in found))
    commits: dict[tuple[str, str], set[str]] = {}
    for repo_id, event in found:
        if event.stage is not None:
            commits.setdefault((repo_id, event.artifact), set()).add(event.commit)
    versions: dict[tuple[str, str, str], str] = {}
    for (repo_id, artifact), some in commits.items():
        state = fold_artifact(
            artifact, registry_index.version_events(tx, repo_id, artifact, commits=sorted(some))
        )
        for commit in some:
            version = state.version_at(commit)
            if version is not None:
                versions[repo_id, artifact, commit] = version.name
    return [
        HistoryEntry(
            names[repo_id], event, event.version or versions.get((repo_id, event.artifact, event.commit))
        )
        if event.stage is not None
        else HistoryEntry(names[repo_id], event, event.version)
        for repo_id, event in found
    ]
