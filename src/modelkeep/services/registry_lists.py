"""The one registry: artifacts and stages of all repos that an actor may read."""

from __future__ import annotations

from modelkeep.db.registry_overview import overview
from modelkeep.db.registry_stages import held_stages
from modelkeep.domain.access import Actor
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.domain.registry import ArtifactFilter, ArtifactSort, ArtifactSummary, HeldStage
from modelkeep.services.access import find_repo
from modelkeep.services.ports import Stores


class RegistryLists:
    """Lists over the registry as it stands now."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def artifacts(
        self,
        actor: Actor,
        page: PageRequest,
        wanted: ArtifactFilter,
        sort: ArtifactSort = "name",
        *,
        repo: tuple[str, str] | None = None,
    ) -> Page[ArtifactSummary]:
        """The registry's table: every artifact that the actor may see, with its latest version and its stages.

        Args:
            actor: Who asks.
            page: Which page.
            wanted: Which artifacts.
            sort: In which order.
            repo: Only those of this repo (namespace and name), which must be there.

        Raises:
            NotFound: ``repo`` names none.
            InvalidInput: The cursor belongs to another list.
        """
        with self._stores.database.read() as tx:
            repo_id = find_repo(tx, actor, *repo).repo.id if repo else None
            return overview(tx, actor, page, repo_id=repo_id, wanted=wanted, sort=sort)

    def stages(
        self,
        actor: Actor,
        page: PageRequest,
        *,
        namespace: str | None = None,
        repo: str | None = None,
        stage: str | None = None,
        query: str | None = None,
    ) -> Page[HeldStage]:
        """Who is in which stage, anywhere, by repo, artifact and stage.

        Raises:
            InvalidInput: The cursor belongs to another list.
        """
        with self._stores.database.read() as tx:
            return held_stages(tx, actor, page, namespace=namespace, repo=repo, stage=stage, query=query)
