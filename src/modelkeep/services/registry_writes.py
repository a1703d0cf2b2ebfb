"""Making registry tags: name, counter, time and tagger, under the repo's lock, through the gate."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from modelkeep.db import registry as registry_index
from modelkeep.domain.events import Event
from modelkeep.domain.history import ArtifactState, fold_artifact
from modelkeep.domain.objects import ZERO_ID, RefUpdate
from modelkeep.domain.tag_grammar import EventKind, TagName, format_tag
from modelkeep.git import tags
from modelkeep.services.access import RepoAccess
from modelkeep.services.ports import Stores
from modelkeep.services.writes import Writes

_ACTION = {
    EventKind.REGISTRATION: "version.register",
    EventKind.DEREGISTRATION: "version.deregister",
    EventKind.ASSIGNMENT: "stage.assign",
    EventKind.UNASSIGNMENT: "stage.unassign",
    EventKind.DEPRECATION: "artifact.deprecate",
}


class Written(NamedTuple):
    """What a new tag stands for, and what the gate had to say although it let it pass."""

    event: Event
    warnings: tuple[str, ...]


class RegistryWrites:
    """Writes annotated registry tags in the actor's name."""

    def __init__(self, stores: Stores, writes: Writes) -> None:
        self._stores = stores
        self._writes = writes

    def state(self, repo_id: str, artifact: str) -> ArtifactState:
        """The artifact as the index knows it; without versions if nothing of it is tagged."""
        with self._stores.database.read() as tx:
            return fold_artifact(artifact, registry_index.events_of(tx, repo_id, artifact))

    def write_tag(
        self,
        access: RepoAccess,
        git_dir: Path,
        state: ArtifactState,
        name: TagName,
        commit: str,
        message: str,
    ) -> Written:
        """Makes the tag and indexes it. The caller holds the repo's lock and read ``state`` under it.

        The tagger's time is later, by at least a second, than every event on the same subject, because readers order
        events by the second. (A deprecation is about all that the artifact has, and all that follows revives it.)

        Returns:
            What the tag stands for, and the gate's warnings.

        Raises:
            ModelkeepError: What the gate says, or Conflict where the tag exists.
        """
        tagger = self._writes.signature(access.actor)
        last = max(
            (
                e.by.when
                for e in state.events
                if EventKind.DEPRECATION in (e.kind, name.kind)
                or (e.stage == name.stage and (e.stage or e.version == name.version))
            ),
            default=None,
        )
        if last is not None and tagger.when <= last:
            tagger = replace(tagger, when=(last + timedelta(seconds=1)).astimezone(tagger.when.tzinfo))
        tag = format_tag(name)
        target = tags.create_tag_object(
            git_dir,
            name=tag,
            target_commit=commit,
            tagger=tagger,
            message=message,
            sign=self._stores.hub_keys.sign,
        )
        warnings = self._writes.apply(
            access,
            [RefUpdate(f"refs/tags/{tag}", ZERO_ID, target)],
            _ACTION[name.kind],
            artifact=name.artifact,
            version=name.version,
            stage=name.stage,
        )
        with self._stores.database.read() as tx:
            (made,) = registry_index.events_of_tags(tx, access.repo.id, [tag])
        return Written(made, warnings)
