"""Retractions: a version is taken back (deregistered), an artifact is given up (deprecated). Nothing is lost by it.

A version comes back when it is registered again, at its own commit; an artifact by whatever happens to it next.
"""

from __future__ import annotations

from modelkeep.domain.access import Action, Actor
from modelkeep.domain.errors import Conflict, NotFound
from modelkeep.domain.history import ArtifactState
from modelkeep.domain.names import parse_artifact
from modelkeep.domain.past import HistoryEntry
from modelkeep.domain.tag_grammar import EventKind, TagName, format_tag
from modelkeep.domain.versions import SemVer
from modelkeep.services.access import RepoAccess, find_repo
from modelkeep.services.ports import Stores
from modelkeep.services.registry_writes import RegistryWrites
from modelkeep.services.versions import check_message
from modelkeep.services.writes import Writes


class Retractions:
    """Takes versions and artifacts of repos back."""

    def __init__(self, stores: Stores, writes: Writes, registry: RegistryWrites) -> None:
        self._stores = stores
        self._writes = writes
        self._registry = registry

    def deregister(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        artifact: str,
        version: str,
        *,
        message: str | None = None,
    ) -> HistoryEntry:
        """Deregisters a version. Its stages go back to those that held them before, as GTO has it.

        Raises:
            NotFound: No such repo or version.
            Conflict: It is deregistered already.
            NotPermitted: The actor may not retract.
        """
        access = self._access(actor, namespace, name, artifact, message)
        wanted = str(SemVer.parse_lenient(version))
        with self._writes.locked(access.repo.id) as git_dir:
            state = self._registry.state(access.repo.id, artifact)
            found = state.version(wanted)
            if found is None:
                raise NotFound(
                    f"There is no version {wanted} of '{artifact}' in {access.repo.full_name}.",
                    code="no_version",
                )
            if not found.is_active:
                raise Conflict(
                    f"Version {wanted} of '{artifact}' is deregistered already.", code="already_deregistered"
                )
            made = self._registry.write_tag(
                access,
                git_dir,
                state,
                _free(state, TagName(EventKind.DEREGISTRATION, artifact, version=wanted)),
                found.commit,
                message or f"Deregistering artifact {artifact} version {wanted}",
            )
        return HistoryEntry(str(access.repo.full_name), made.event, wanted)

    def deprecate(
        self, actor: Actor, namespace: str, name: str, artifact: str, *, message: str | None = None
    ) -> HistoryEntry:
        """Deprecates an artifact, at the commit that its last event is about.

        Raises:
            NotFound: No such repo, or nothing of the artifact is tagged.
            Conflict: It is deprecated already.
            NotPermitted: The actor may not retract.
        """
        access = self._access(actor, namespace, name, artifact, message)
        with self._writes.locked(access.repo.id) as git_dir:
            state = self._registry.state(access.repo.id, artifact)
            if not state.events:
                raise NotFound(
                    f"There is no artifact '{artifact}' in {access.repo.full_name}.", code="no_artifact"
                )
            if not state.is_active:
                raise Conflict(f"'{artifact}' is deprecated already.", code="already_deprecated")
            made = self._registry.write_tag(
                access,
                git_dir,
                state,
                _free(state, TagName(EventKind.DEPRECATION, artifact)),
                state.events[-1].commit,
                message or f"Deprecating artifact '{artifact}'",
            )
        return HistoryEntry(str(access.repo.full_name), made.event, None)

    def _access(
        self, actor: Actor, namespace: str, name: str, artifact: str, message: str | None
    ) -> RepoAccess:
        parse_artifact(artifact)
        check_message(message)
        with self._stores.database.read() as tx:
            return find_repo(tx, actor, namespace, name, Action.RETRACT)


def _free(state: ArtifactState, name: TagName) -> TagName:
    """The simple name, or the one with the next counter where that tag exists, as GTO writes them."""
    if format_tag(name) not in {event.tag for event in state.events}:
        return name
    return TagName(name.kind, name.artifact, name.version, name.stage, state.next_counter)
