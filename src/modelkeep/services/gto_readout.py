"""The answers of ``gto`` 1.10.1 about a repo, from the index: the text that it prints in a fresh clone with ``--json``.

A clone is checked out at the default branch. What ``gto`` would stop at is passed over; ``doctor`` names it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from modelkeep.db import refs as refs_index
from modelkeep.db import registry as registry_index
from modelkeep.domain import gto_show
from modelkeep.domain.access import Actor
from modelkeep.domain.errors import InvalidInput, NotFound
from modelkeep.domain.events import Event
from modelkeep.domain.gto_json import gto_text
from modelkeep.domain.gto_show import ShowOptions
from modelkeep.domain.gto_state import CommitFacts, GtoArtifact, GtoVersion, Registry, fold_as_gto
from modelkeep.domain.objects import Commit, Signature
from modelkeep.domain.repos import Repo
from modelkeep.domain.tag_grammar import parse_shortcut, parse_tag
from modelkeep.services.access import find_repo
from modelkeep.services.gto_clone import annotations_at, config_at, facts_at
from modelkeep.services.gto_files import GtoConfig, GtoFault
from modelkeep.services.memo import Memo
from modelkeep.services.ports import Stores

_KEPT_TEXT = 64 * 1024 * 1024
"""Characters of histories that are kept; a single one of more than a quarter of it is not."""


@dataclass(frozen=True, slots=True)
class _Clone:
    """What a clone has, as far as it is asked for: ``head`` is the default branch's tip, None where there is none."""

    repo: Repo
    git_dir: Path
    head: str | None
    events: list[Event]

    def config(self) -> GtoConfig:
        """The settings; GTO's own choices where ``gto`` would stop at them."""
        found = config_at(self.git_dir, self.head) if self.head is not None else GtoConfig()
        return GtoConfig() if isinstance(found, GtoFault) else found

    def annotated(self, index: str) -> list[str]:
        """The artifacts that the annotations file names at the tip, in its order."""
        heads = [self.head] if self.head is not None else []
        return [
            name
            for _, said in annotations_at(self.git_dir, heads, index)
            if not isinstance(said, GtoFault)
            for name in said
        ]

    def learn(self, versions: Iterable[GtoVersion], index: str) -> None:
        """Finds out the facts of these versions' commits."""
        unknown = list(versions)
        facts = facts_at(self.git_dir, (version.commit for version in unknown), index)
        for version in unknown:
            version.facts = facts.get(version.commit) or CommitFacts(_unreadable(version.commit))


class GtoReadout:
    """``show``, ``history``, ``check-ref``, ``stages`` and ``parse-tag`` of a repo."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._histories: Memo[tuple[str, bytes, str | None, bool], str] = Memo(_KEPT_TEXT, len)

    def show(
        self, actor: Actor, namespace: str, name: str, artifact: str | None, options: ShowOptions
    ) -> str:
        """``gto show``, or ``gto show ARTIFACT`` (which may be a shortcut such as ``m@latest`` or ``m#prod``).

        Raises:
            NotFound: There is no such artifact.
            InvalidInput: A number below -1.
        """
        if min(options.assignments_per_version, options.versions_per_stage) < -1:
            raise InvalidInput(
                "'assignments_per_version' and 'versions_per_stage' are -1 (all), 0 or more.",
                code="invalid_gto_option",
            )
        if artifact is not None:
            return self._show_one(actor, namespace, name, artifact, options)
        clone = self._clone(actor, namespace, name)
        config = clone.config()
        registry = fold_as_gto(clone.events, clone.head, clone.annotated(config.index))
        clone.learn(_undated(registry), config.index)
        stages = gto_show.used_stages(registry) if config.stages is None else config.stages
        return gto_text(gto_show.show_registry(registry, stages, options))

    def history(
        self, actor: Actor, namespace: str, name: str, artifact: str | None, *, ascending: bool = False
    ) -> str:
        """``gto history``, of all artifacts or one; kept, as it says the same until a ref of the repo changes."""
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            digest = refs_index.refs_digest(tx, repo.id)

            def compute() -> str:
                registry = fold_as_gto(registry_index.events_of(tx, repo.id, artifact))
                return gto_text(gto_show.history(registry, artifact, ascending=ascending))

            return self._histories.get((repo.id, digest, artifact, ascending), compute)

    def check_ref(self, actor: Actor, namespace: str, name: str, ref: str) -> str:
        """``gto check-ref``: what a tag (with or without ``refs/tags/``) did; empty where it did nothing."""
        tag = ref.removeprefix("refs/tags/")
        parsed = parse_tag(tag)
        artifact = parsed.artifact if parsed is not None else ""
        registry = fold_as_gto(self._clone(actor, namespace, name, artifact).events)
        said = gto_show.check_ref(registry[artifact], tag) if artifact in registry else None
        return gto_text(said) if said is not None else ""

    def stages(
        self, actor: Actor, namespace: str, name: str, *, allowed: bool = False, used: bool = False
    ) -> str:
        """``gto stages``: those that ``.gto`` allows, those in use, or (neither asked for) the former if it says so.

        Raises:
            InvalidInput: Both are asked for.
        """
        if allowed and used:
            raise InvalidInput("Ask for 'allowed' or for 'used', not for both.", code="invalid_gto_option")
        clone = self._clone(actor, namespace, name)
        permitted = clone.config().stages if not used else None
        if allowed or permitted is not None:
            return gto_text(permitted)
        return gto_text(gto_show.used_stages(fold_as_gto(clone.events)))

    def parse_tag(self, actor: Actor, namespace: str, name: str, tag: str) -> str:
        """``gto parse-tag``: the parts of a tag's name, whether there is such a tag or not.

        Raises:
            InvalidInput: It is no registry tag's name.
        """
        with self._stores.database.read() as tx:
            find_repo(tx, actor, namespace, name)
        parsed = parse_tag(tag)
        if parsed is None:
            raise InvalidInput(f"'{tag[:200]}' is not the name of a registry tag.", code="invalid_tag_name")
        return gto_text(gto_show.parsed_tag(parsed))

    def _show_one(self, actor: Actor, namespace: str, name: str, wanted: str, options: ShowOptions) -> str:
        shortcut = parse_shortcut(wanted)
        artifact = shortcut.artifact if shortcut is not None else wanted
        clone = self._clone(actor, namespace, name, artifact)
        index = clone.config().index
        annotated = [name for name in clone.annotated(index) if name == artifact]
        found = fold_as_gto(clone.events, clone.head, annotated).get(artifact)
        if found is None:
            raise NotFound(
                f"There is no artifact '{artifact[:200]}' in {clone.repo.full_name}.", code="no_artifact"
            )
        clone.learn(found.versions, index)
        return gto_text(gto_show.show_versions(found, options, shortcut))

    def _clone(self, actor: Actor, namespace: str, name: str, artifact: str | None = None) -> _Clone:
        """The repo with its events, or with those of one artifact."""
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            tip = refs_index.ref_by_name(tx, repo.id, f"refs/heads/{repo.default_branch}")
            events = registry_index.events_of(tx, repo.id, artifact)
        git_dir = self._stores.repositories.path(repo.id)
        return _Clone(repo, git_dir, tip.commit if tip is not None else None, events)


def _unreadable(commit: str) -> Commit:
    nobody = Signature("", "", datetime.fromtimestamp(0, UTC))
    return Commit(commit, "", (), nobody, nobody, "")


def _undated(registry: Registry) -> list[GtoVersion]:
    """The versions whose commits' times matter to the table: of deprecated artifacts, and those without a tag."""
    return [version for artifact in registry.values() for version in _undated_of(artifact)]


def _undated_of(artifact: GtoArtifact) -> list[GtoVersion]:
    if artifact.deprecations:
        return artifact.versions
    return [version for version in artifact.versions if not version.is_registered]
