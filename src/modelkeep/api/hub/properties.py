"""What is known about a repo, by the names that clients have for it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelkeep.api.hub.calls import Call
from modelkeep.api.hub.render import Json, date_text, sibling
from modelkeep.domain.access import Visibility
from modelkeep.domain.cards import CardFields
from modelkeep.domain.catalogue import Listed
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.file_headers import FileFormat
from modelkeep.domain.repos import Repo, RepoKind
from modelkeep.services.access import RepoAccess
from modelkeep.services.browsing import Snapshot
from modelkeep.services.cards import CardAt

_CONFIG_LIMIT = 1 << 20
_OF_CONFIG = ("architectures", "model_type", "auto_map", "quantization_config")
_OF_GGUF = {"general.architecture": "architecture", "tokenizer.chat_template": "chat_template"}


class About:
    """A repo that is asked about; what takes time is read when it is asked for.

    Args:
        call: The request.
        repo: The repo.
        found: The same with what it holds at the revision; None to look for its default branch.
        listed: What lists show of it, where that is known already.
        with_sizes: Whether the files are wanted with their sizes.
    """

    def __init__(
        self,
        call: Call,
        repo: Repo,
        found: tuple[RepoAccess, Snapshot | None] | None = None,
        *,
        listed: Listed | None = None,
        with_sizes: bool = False,
    ) -> None:
        self.call = call
        self.repo = repo
        self.with_sizes = with_sizes
        self._found = found
        self._listed = listed
        self._card_at: CardAt | None = None

    @property
    def access(self) -> RepoAccess:
        """The repo, and the actor's role in it."""
        return self._read()[0]

    @property
    def snapshot(self) -> Snapshot | None:
        """What it holds at the revision; None where nothing was pushed yet."""
        return self._read()[1]

    @property
    def card_at(self) -> CardAt | None:
        """The card at the revision; None where nothing was pushed yet."""
        snapshot = self.snapshot
        if snapshot is not None and self._card_at is None:
            self._card_at = self.call.services.cards.at(snapshot.repo, snapshot.git_dir, snapshot.commit)
        return self._card_at

    @property
    def card(self) -> CardFields:
        """What the card says: in lists that of the default branch, otherwise that of the revision."""
        if self._listed is not None:
            return self._listed.card
        card_at = self.card_at
        return CardFields() if card_at is None else card_at.fields

    @property
    def downloads(self) -> tuple[int, int]:
        """In the last 30 days, and ever."""
        if self._listed is not None:
            return self._listed.downloads, self._listed.all_downloads
        return self.call.services.downloads.of([self.repo.id]).get(self.repo.id, (0, 0))

    def _read(self) -> tuple[RepoAccess, Snapshot | None]:
        if self._found is None:
            browsing = self.call.services.browsing
            self._found = browsing.latest(self.call.actor, self.repo.place, self.repo.name)
        return self._found


def expanded(call: Call) -> list[str] | None:
    """The properties that a request asks for, to have these and no others; None where it asks for none.

    Raises:
        InvalidInput: There is none of such a name.
    """
    asked = call.request.query_params
    names = [*asked.getlist("expand"), *asked.getlist("expand[]")]
    unknown = next((name for name in names if name not in _PROPERTIES and name not in _OF_OTHERS), None)
    if unknown is not None:
        raise InvalidInput(
            f"'expand' has no property {unknown[:60]!r}; choose from {', '.join(sorted(_PROPERTIES))}.",
            code="invalid_expand",
        )
    return [name for name in names if name in _PROPERTIES] if names else None


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


def _tags(about: About) -> object:
    return list(dict.fromkeys([*about.card.tags, *about.repo.labels]))


def _card_data(about: About) -> object:
    data = about.card.data
    return _plain(data) if data else None


def _of_card(name: str) -> Callable[[About], object]:
    return lambda about: _plain(about.card.data.get(name))


def _config(about: About) -> object:
    """What ``config.json`` says about the architecture; a file like any other where the repo is gated."""
    snapshot = about.snapshot
    if snapshot is None or about.repo.kind is not RepoKind.MODEL or not about.access.may_read_content:
        return None
    content = about.call.services.browsing.small_file(snapshot, "config.json", _CONFIG_LIMIT)
    try:
        config = json.loads(content) if content else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(config, dict):
        return None
    return {name: _plain(config[name]) for name in _OF_CONFIG if name in config}


def _safetensors(about: About) -> object:
    card_at = about.card_at
    weights = card_at.weights if card_at else None
    if weights is None or weights.format is not FileFormat.SAFETENSORS:
        return None
    return {"parameters": dict(weights.parameters), "total": weights.total}


def _gguf(about: About) -> object:
    card_at = about.card_at
    weights = card_at.weights if card_at else None
    if weights is None or weights.format is not FileFormat.GGUF:
        return None
    if not about.access.may_read_content:
        return {"total": weights.total}
    said = {name: _plain(weights.metadata[key]) for key, name in _OF_GGUF.items() if key in weights.metadata}
    return {"total": weights.total, **said}


def _used_storage(about: About) -> object:
    return about.call.services.repos.usage(about.access).lfs_bytes


def security(_about: About) -> Json:
    """What scanners found: this hub has none."""
    return {"scansDone": False, "filesWithIssues": []}


def _plain(value: Any, depth: int = 0) -> Any:
    """A value of a file that anybody could have pushed, as JSON can have it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping) and depth < 30:
        return {_text(key): _plain(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple) and depth < 30:
        return [_plain(one, depth + 1) for one in value]
    return _text(value)


def _text(value: object) -> str:
    return str(value).encode("utf-8", "replace").decode()


_PROPERTIES: dict[str, Callable[[About], object]] = {
    "author": lambda about: about.repo.namespace,
    "cardData": _card_data,
    "config": _config,
    "createdAt": lambda about: date_text(about.repo.created_at),
    "description": lambda about: about.repo.description or None,
    "disabled": lambda about: False,
    "downloads": lambda about: about.downloads[0],
    "downloadsAllTime": lambda about: about.downloads[1],
    "gated": lambda about: str(about.repo.gated) if about.repo.gated else False,
    "gguf": _gguf,
    "lastModified": lambda about: date_text(about.repo.updated_at),
    "library_name": lambda about: about.card.library,
    "likes": lambda about: 0,
    "model-index": _of_card("model-index"),
    "pipeline_tag": lambda about: about.card.pipeline_tag,
    "private": lambda about: about.repo.visibility is not Visibility.PUBLIC,
    "safetensors": _safetensors,
    "securityRepoStatus": security,
    "sha": _sha,
    "siblings": _siblings,
    "spaces": lambda about: [] if about.repo.kind is RepoKind.MODEL else None,
    "tags": _tags,
    "trendingScore": lambda about: 0,
    "usedStorage": _used_storage,
    "widgetData": _of_card("widget"),
    "xetEnabled": lambda about: True,
}
"""What each property is; None says nothing."""

_OF_OTHERS = frozenset(
    {
        "baseModels",
        "childrenModelCount",
        "citation",
        "evalResults",
        "inference",
        "inferenceProviderMapping",
        "mainSize",
        "mask_token",
        "paperswithcode_id",
        "resourceGroup",
        "transformersInfo",
    }
)
"""Properties of other hubs that this one says nothing about."""

_ON_DEMAND = {"downloadsAllTime", "trendingScore", "securityRepoStatus"}
ALWAYS = [name for name in _PROPERTIES if name not in _ON_DEMAND]
"""What is said about a repo unless a request says what it wants."""

BRIEF = [
    "createdAt",
    "downloads",
    "library_name",
    "likes",
    "pipeline_tag",
    "private",
    "tags",
    "trendingScore",
]
"""What lists say."""

FULL = [*BRIEF, "author", "disabled", "gated", "lastModified", "sha", "siblings"]
"""What lists say on demand."""
