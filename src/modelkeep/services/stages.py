"""Stages: promote, unassign, roll back, and who holds what."""

from __future__ import annotations

import re
from pathlib import Path

from modelkeep.db import registry as registry_index
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.errors import Conflict, InvalidInput, NotFound
from modelkeep.domain.history import ArtifactState
from modelkeep.domain.names import parse_artifact, parse_stage
from modelkeep.domain.numbering import Numbering
from modelkeep.domain.past import HistoryEntry
from modelkeep.domain.registry import StageRow
from modelkeep.domain.rollback import TRAILER, previous_holder
from modelkeep.domain.tag_grammar import EventKind, TagName
from modelkeep.domain.versions import SemVer
from modelkeep.services.access import RepoAccess
from modelkeep.services.assignments import Assignments, Plan, Target, require_elsewhere
from modelkeep.services.ports import Stores
from modelkeep.services.registry_writes import RegistryWrites
from modelkeep.services.revisions import resolve
from modelkeep.services.versions import Versions, check_message, number_for, require_active
from modelkeep.services.writes import Writes

_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)


class Stages:
    """The stages of a repo's artifacts."""

    def __init__(
        self,
        stores: Stores,
        writes: Writes,
        registry: RegistryWrites,
        versions: Versions,
        assignments: Assignments,
    ) -> None:
        self._stores = stores
        self._writes = writes
        self._registry = registry
        self._versions = versions
        self._assignments = assignments

    def promote(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        artifact: str,
        stage: str,
        *,
        version: str | None = None,
        revision: str | None = None,
        message: str | None = None,
    ) -> StageRow:
        """Assigns a stage to a version; a revision without a version is registered first, as GTO does.

        Raises:
            InvalidInput: No possible name, or neither version nor revision.
            NotFound: No such repo, version or revision.
            Conflict: The version holds the stage already.
            NotPermitted: The actor may not promote.
        """
        check_message(message)
        access = self._access(actor, namespace, name, artifact, stage, version, revision)
        with self._writes.locked(access.repo.id) as git_dir:
            state, target, is_new = self._target(access, git_dir, artifact, stage, version, revision)
            if is_new:
                # What is refused in the end must not leave a version behind.
                self._assignments.require(self._assignments.plan(access, git_dir, state, target))
                self._versions.write_registration(access, git_dir, artifact, target.commit, target.version)
                state = self._registry.state(access.repo.id, artifact)
            self._assignments.write(access, git_dir, state, target, message)
        return self._present(access, artifact, stage)

    def plan(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        artifact: str,
        stage: str,
        *,
        version: str | None = None,
        revision: str | None = None,
    ) -> Plan:
        """What :meth:`promote` would do, and what blocks it; nothing changes.

        Raises:
            ModelkeepError: As :meth:`promote`, but for what the policy says.
        """
        access = self._access(actor, namespace, name, artifact, stage, version, revision)
        git_dir = self._stores.repositories.path(access.repo.id)
        state, target, _ = self._target(access, git_dir, artifact, stage, version, revision)
        require_elsewhere(state, target)
        return self._assignments.plan(access, git_dir, state, target)

    def unassign(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        artifact: str,
        stage: str,
        *,
        version: str | None = None,
        message: str | None = None,
    ) -> tuple[HistoryEntry, StageRow | None]:
        """Takes a stage from a version, or from a commit without one (None: from its present holder).

        Returns:
            What was recorded, and the holder that re-appears, as GTO has it; None where the stage is empty now.

        Raises:
            NotFound: Nobody, or not this version, holds the stage.
            NotPermitted: The actor may not promote.
        """
        check_message(message)
        wanted = None
        if version is not None:
            wanted = version if _COMMIT.fullmatch(version) else str(SemVer.parse_lenient(version))
        access = self._assignments.access(actor, namespace, name, artifact, stage, EventKind.UNASSIGNMENT)
        with self._writes.locked(access.repo.id) as git_dir:
            state = self._registry.state(access.repo.id, artifact)
            holder = next((v for v in state.holders(stage) if wanted in (None, v.name)), None)
            if holder is None:
                what = f"{wanted} of " if wanted else ""
                raise NotFound(f"Stage '{stage}' is not held by {what}'{artifact}'.", code="no_stage")
            made = self._registry.write_tag(
                access,
                git_dir,
                state,
                TagName(EventKind.UNASSIGNMENT, artifact, stage=stage, counter=state.next_counter),
                holder.commit,
                message or f"Unassigning stage '{stage}' to artifact '{artifact}' version '{holder.name}'",
            )
        entry = HistoryEntry(
            str(access.repo.full_name), made.event, holder.name if holder.is_registered else None
        )
        with self._stores.database.read() as tx:
            return entry, registry_index.stage_row(tx, access.repo.id, artifact, stage)

    def roll_back(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        artifact: str,
        stage: str,
        *,
        message: str | None = None,
    ) -> StageRow:
        """Returns a stage to the version that held it before, by a new assignment that says so.

        Raises:
            NotFound: Nobody holds the stage.
            Conflict: There is no earlier holder that is still registered.
            NotPermitted: The actor may not promote.
        """
        check_message(message)
        access = self._assignments.access(actor, namespace, name, artifact, stage)
        with self._writes.locked(access.repo.id) as git_dir:
            state = self._registry.state(access.repo.id, artifact)
            holders = state.holders(stage)
            if not holders:
                raise NotFound(f"Nothing of '{artifact}' is in stage '{stage}'.", code="no_stage")
            previous = previous_holder(state, stage)
            if previous is None:
                raise Conflict(
                    f"Stage '{stage}' of '{artifact}' has no earlier holder to go back to.",
                    code="no_previous_holder",
                )
            text = message or f"Rolling back stage {stage} of artifact {artifact} to version {previous.name}"
            self._assignments.write(
                access,
                git_dir,
                state,
                Target(stage, previous.commit, previous.name, is_rollback=True),
                text,
                trailers=[(TRAILER, holders[0].name)],
            )
        return self._present(access, artifact, stage)

    def _access(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        artifact: str,
        stage: str,
        version: str | None,
        revision: str | None,
    ) -> RepoAccess:
        parse_artifact(artifact)
        parse_stage(stage)
        if version is None and revision is None:
            raise InvalidInput("Say which version (or which revision) to promote.", code="version_missing")
        return self._assignments.access(actor, namespace, name, artifact, stage)

    def _target(
        self,
        access: RepoAccess,
        git_dir: Path,
        artifact: str,
        stage: str,
        version: str | None,
        revision: str | None,
    ) -> tuple[ArtifactState, Target, bool]:
        """What is to be promoted, and whether it is to be registered first."""
        state = self._registry.state(access.repo.id, artifact)
        if version == "latest" and revision is None:
            latest = state.latest
            if latest is None:
                raise NotFound(f"'{artifact}' has no version yet.", code="no_version")
            return state, Target(stage, latest.commit, latest.name), False
        wanted = SemVer.parse_lenient(version) if version else None
        if revision is None:
            commit = require_active(state, str(wanted), str(access.repo.full_name))
            return state, Target(stage, commit, str(wanted)), False
        with self._stores.database.read() as tx:
            commit = resolve(tx, access.repo, git_dir, revision).commit
        here = state.version_at(commit)
        if here is not None and here.is_active and wanted in (None, here.semver):
            return state, Target(stage, commit, here.name), False
        access.require(Action.REGISTER)
        return state, Target(stage, commit, number_for(state, commit, Numbering(wanted))), True

    def _present(self, access: RepoAccess, artifact: str, stage: str) -> StageRow:
        with self._stores.database.read() as tx:
            row = registry_index.stage_row(tx, access.repo.id, artifact, stage)
        if row is None:  # pragma: no cover - unassigned in the moment after
            raise Conflict(f"Stage '{stage}' changed meanwhile; look again.", code="stage_changed")
        return row
