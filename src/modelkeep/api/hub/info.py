"""What there is to know about a repo at a revision: ``model_info``, ``dataset_info`` and their ``expand``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.hub.calls import Call, api, ok
from modelkeep.api.hub.render import Json, date_text, sibling
from modelkeep.domain.access import Visibility
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.repos import Repo, RepoKind
from modelkeep.services.access import RepoAccess
from modelkeep.services.browsing import Snapshot


def routes() -> list[Route]:
    """The routes of this module."""
    return [*api("", _info), *api("/revision/{revision}", _info)]


class About:
    """A repo that is asked about; what takes time is read when it is asked for.

    Args:
        call: The request.
        repo: The repo.
        found: The same with what it holds at the revision; None to look for its default branch.
        with_sizes: Whether the files are wanted with their sizes.
    """

    def __init__(
        self,
        call: Call,
        repo: Repo,
        found: tuple[RepoAccess, Snapshot | None] | None = None,
        *,
        with_sizes: bool = False,
    ) -> None:
        self.call = call
        self.repo = repo
        self.with_sizes = with_sizes
        self._found = found

    @property
    def access(self) -> RepoAccess:
        """The repo, and the actor's role in it."""
        return self._read()[0]

    @property
    def snapshot(self) -> Snapshot | None:
        """What it holds at the revision; None where nothing was pushed yet."""
        return self._read()[1]

    def _read(self) -> tuple[RepoAccess, Snapshot | None]:
        if self._found is None:
            browsing = self.call.services.browsing
            self._found = browsing.latest(self.call.actor, self.repo.place, self.repo.name)
        return self._found


async def _info(call: Call) -> Response:
    return ok(await call.run(_read, call))


def _read(call: Call) -> Json:
    revision = call.revision if "revision" in call.request.path_params else None
    browsing = call.services.browsing
    if revision is None:
        access, snapshot = browsing.latest(call.actor, call.namespace, call.repo)
    else:
        snapshot = browsing.at(call.actor, call.namespace, call.repo, revision)
        access = snapshot.access
    call.here(access.repo)
    about = About(call, access.repo, (access, snapshot), with_sizes=call.is_set("blobs"))
    expand = expanded(call)
    if expand:
        return described(about, expand)
    body = described(about, _ALWAYS)
    if call.is_set("securityStatus"):
        body["securityRepoStatus"] = _security(about)
    return body


def expanded(call: Call) -> list[str]:
    """The properties that a request asks for, and no others.

    Raises:
        InvalidInput: There is none of such a name.
    """
    asked = call.request.query_params
    names = [*asked.getlist("expand"), *asked.getlist("expand[]")]
    unknown = next((name for name in names if name not in _PROPERTIES and name not in _UNKNOWN_HERE), None)
    if unknown is not None:
        raise InvalidInput(
            f"'expand' has no property {unknown[:60]!r}; choose from {', '.join(sorted(_PROPERTIES))}.",
            code="invalid_expand",
        )
    return [name for name in names if name in _PROPERTIES]


def described(about: About, names: Sequence[str]) -> Json:
    """A repo by these properties, its id always among them; those that say nothing about it are left out."""
    repo = about.repo
    body: Json = {"_id": repo.id[:24], "id": str(repo.full_name)}
    if repo.kind is RepoKind.MODEL:
        body["modelId"] = body["id"]
    for name in names:
        value = _PROPERTIES[name](about)
        if value is not None:
            body[name] = value
    return body


def _sha(about: About) -> object:
    snapshot = about.snapshot
    return snapshot.commit if snapshot else None


def _siblings(about: About) -> object:
    snapshot = about.snapshot
    if snapshot is None:
        return []
    browsing = about.call.services.browsing
    if about.with_sizes:
        return [sibling(found) for found in browsing.sized_files(snapshot)]
    return [{"rfilename": path} for path in browsing.files(snapshot)]


def _used_storage(about: About) -> object:
    return about.call.services.repos.usage(about.access).lfs_bytes


def _security(about: About) -> Mapping[str, object]:
    return {"scansDone": False, "filesWithIssues": []}


_PROPERTIES: dict[str, Callable[[About], object]] = {
    "author": lambda about: about.repo.namespace,
    "createdAt": lambda about: date_text(about.repo.created_at),
    "disabled": lambda about: False,
    "downloads": lambda about: 0,
    "downloadsAllTime": lambda about: 0,
    "gated": lambda about: str(about.repo.gated) if about.repo.gated else False,
    "lastModified": lambda about: date_text(about.repo.updated_at),
    "likes": lambda about: 0,
    "private": lambda about: about.repo.visibility is not Visibility.PUBLIC,
    "sha": _sha,
    "siblings": _siblings,
    "tags": lambda about: list(about.repo.labels),
    "description": lambda about: about.repo.description or None,
    "trendingScore": lambda about: 0,
    "usedStorage": _used_storage,
    "securityRepoStatus": _security,
    "spaces": lambda about: [] if about.repo.kind is RepoKind.MODEL else None,
    "xetEnabled": lambda about: True,
}
"""What is known about a repo, by the names that clients have for it; None says nothing."""

_UNKNOWN_HERE = frozenset(
    {
        "baseModels",
        "cardData",
        "childrenModelCount",
        "citation",
        "config",
        "evalResults",
        "gguf",
        "inference",
        "inferenceProviderMapping",
        "library_name",
        "mainSize",
        "mask_token",
        "model-index",
        "paperswithcode_id",
        "pipeline_tag",
        "resourceGroup",
        "safetensors",
        "transformersInfo",
        "widgetData",
    }
)
"""Properties of other hubs that this one says nothing about."""

_ALWAYS = [
    name for name in _PROPERTIES if name not in ("downloadsAllTime", "trendingScore", "securityRepoStatus")
]
