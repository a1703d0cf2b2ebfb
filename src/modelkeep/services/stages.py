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
from modelkeep.services.access import RepoAccess, find_repo
from modelkeep.services.ports import Stores
from modelkeep.services.registry_writes import RegistryWrites
from modelkeep.services.revisions import resolve
from modelkeep.services.versions import Versions, check_message, require_active
from modelkeep.services.writes import Writes

_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)


class Stages:
    """The stages of a repo's artifacts."""

    def __init__(self, stores: Stores, writes: Writes, registry: RegistryWrites, versions: Versions) -> None:
        self._stores = stores
        self._writes = writes
        self._registry = registry
        self._versions = versions

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
        parse_artifact(artifact)
        parse_stage(stage)
        check_message(message)
        if version is None and revision is None:
            raise InvalidInput("Say which version (or which revision) to promote.", code="version_missing")
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.PROMOTE)
        with self._writes.locked(access.repo.id) as git_dir:
            commit, chosen = self._commit_to_promote(access, git_dir, artifact, version, revision)
            state = self._registry.state(access.repo.id, artifact)
            self._assign(access, git_dir, state, stage, commit, chosen, message)
        return self._present(access, artifact, stage)

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
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.PROMOTE)
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
        entry = HistoryEntry(str(access.repo.full_name), made, holder.name if holder.is_registered else None)
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
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.PROMOTE)
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
            self._assign(
                access,
                git_dir,
                state,
                stage,
                previous.commit,
                previous.name,
                f"{text.rstrip()}\n\n{TRAILER}: {holders[0].name}",
            )
        return self._present(access, artifact, stage)

    def list(self, actor: Actor, namespace: str, name: str, artifact: str | None = None) -> list[StageRow]:
        """Who holds which stage in a repo, or of one artifact."""
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            return registry_index.stages_of(tx, repo.id, artifact)

    def _commit_to_promote(
        self, access: RepoAccess, git_dir: Path, artifact: str, version: str | None, revision: str | None
    ) -> tuple[str, str]:
        state = self._registry.state(access.repo.id, artifact)
        if version == "latest" and revision is None:
            latest = state.latest
            if latest is None:
                raise NotFound(f"'{artifact}' has no version yet.", code="no_version")
            return latest.commit, latest.name
        wanted = SemVer.parse_lenient(version) if version else None
        if revision is None:
            return require_active(state, str(wanted), str(access.repo.full_name)), str(wanted)
        with self._stores.database.read() as tx:
            commit = resolve(tx, access.repo, git_dir, revision).commit
        here = state.version_at(commit)
        if here is not None and here.is_active and wanted in (None, here.semver):
            return commit, here.name
        access.require(Action.REGISTER)
        return commit, self._versions.write_registration(access, git_dir, artifact, commit, Numbering(wanted))

    def _assign(
        self,
        access: RepoAccess,
        git_dir: Path,
        state: ArtifactState,
        stage: str,
        commit: str,
        version: str,
        message: str | None,
    ) -> None:
        holders = state.holders(stage)
        if holders and holders[0].commit == commit:
            raise Conflict(
                f"Version {version} of '{state.name}' is in stage '{stage}' already.", code="already_in_stage"
            )
        self._registry.write_tag(
            access,
            git_dir,
            state,
            TagName(EventKind.ASSIGNMENT, state.name, stage=stage, counter=state.next_counter),
            commit,
            message or f"Assigning stage {stage} to artifact {state.name} version {version}",
        )

    def _present(self, access: RepoAccess, artifact: str, stage: str) -> StageRow:
        with self._stores.database.read() as tx:
            row = registry_index.stage_row(tx, access.repo.id, artifact, stage)
        if row is None:  # pragma: no cover - unassigned in the moment after
            raise Conflict(f"Stage '{stage}' changed meanwhile; look again.", code="stage_changed")
        return row
