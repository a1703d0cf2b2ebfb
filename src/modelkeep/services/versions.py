"""Versions: register, and read what is registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from modelkeep.db import registry as registry_index
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from modelkeep.domain.events import TagProblem
from modelkeep.domain.history import ArtifactState
from modelkeep.domain.names import parse_artifact
from modelkeep.domain.numbering import Numbering, Step
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.domain.registry import VersionRow
from modelkeep.domain.tag_grammar import EventKind, TagName
from modelkeep.domain.trailers import CODE_COMMIT, RUN, parse_trailer, with_trailers
from modelkeep.domain.versions import SemVer
from modelkeep.services.access import RepoAccess, find_repo
from modelkeep.services.ports import Stores
from modelkeep.services.registry_writes import RegistryWrites, Written
from modelkeep.services.revisions import resolve
from modelkeep.services.writes import Writes

LONGEST_MESSAGE = 10_000


class Versions:
    """The versions of a repo's artifacts."""

    def __init__(self, stores: Stores, writes: Writes, registry: RegistryWrites) -> None:
        self._stores = stores
        self._writes = writes
        self._registry = registry

    def register(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        artifact: str,
        *,
        version: str | None = None,
        bump: Step | None = None,
        prerelease: str | None = None,
        revision: str | None = None,
        message: str | None = None,
        code_commit: str | None = None,
        run: str | None = None,
    ) -> tuple[VersionRow, tuple[str, ...]]:
        """Registers a commit as a version: the given one, or the next after the latest.

        Args:
            actor: Needs the action ``register``.
            namespace: Of the repo.
            name: Of the repo.
            artifact: Its name, ``directory:name`` in a monorepo.
            version: ``v1.2.3`` (the ``v`` may be left out); None for the next one.
            bump: Which part to raise where no version is given; None for the patch; ``release`` ends pre-releases.
            prerelease: The label of a series of pre-releases to begin or go on with, such as ``rc``.
            revision: What to register; None for the default branch.
            message: The tag's message; None for GTO's usual one.
            code_commit: The commit of the code that made it, kept as a trailer of the tag.
            run: The run that made it, kept as a trailer of the tag.

        Returns:
            The version, and what the gate has to say although it let it pass.

        Raises:
            InvalidInput: No possible name or version, or both a version and a bump.
            Conflict: The commit has a version already, or the version exists.
            NotFound: No such repo or revision.
        """
        parse_artifact(artifact)
        wanted = Numbering.parse(version, bump, prerelease)
        check_message(message)
        origin = {
            name: parse_trailer(name, value) if value is not None else None
            for name, value in ((CODE_COMMIT, code_commit), (RUN, run))
        }
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.REGISTER)
        with self._writes.locked(access.repo.id) as git_dir:
            with self._stores.database.read() as tx:
                commit = resolve(tx, access.repo, git_dir, revision).commit
            chosen = number_for(self._registry.state(access.repo.id, artifact), commit, wanted)
            made = self.write_registration(access, git_dir, artifact, commit, chosen, message, origin)
        row = self.get(actor, access.repo.namespace, access.repo.name, artifact, chosen)
        return row, made.warnings

    def write_registration(
        self,
        access: RepoAccess,
        git_dir: Path,
        artifact: str,
        commit: str,
        version: str,
        message: str | None = None,
        trailers: Mapping[str, str | None] | None = None,
    ) -> Written:
        """Makes the tag of a version that is free (see :func:`number_for`), under the repo's lock.

        Raises:
            ModelkeepError: What the gate says.
        """
        state = self._registry.state(access.repo.id, artifact)
        counter = state.next_counter if state.version(version) is not None else None
        return self._registry.write_tag(
            access,
            git_dir,
            state,
            TagName(EventKind.REGISTRATION, artifact, version=version, counter=counter),
            commit,
            with_trailers(message or f"Registering artifact {artifact} version {version}", trailers or {}),
        )

    def get(self, actor: Actor, namespace: str, name: str, artifact: str, version: str) -> VersionRow:
        """One version; ``latest`` names the greatest active one.

        Raises:
            NotFound: There is none of that name.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            if version == "latest":
                row = registry_index.latest_row(tx, repo.id, artifact)
            else:
                row = registry_index.version_row(tx, repo.id, artifact, str(SemVer.parse_lenient(version)))
        if row is None:
            raise NotFound(
                f"There is no version {version} of '{artifact}' in {repo.full_name}.", code="no_version"
            )
        return row

    def list(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        artifact: str,
        page: PageRequest,
        *,
        active_only: bool = False,
    ) -> Page[VersionRow]:
        """The versions of an artifact, greatest first.

        Raises:
            NotFound: The repo has no such artifact.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            if not registry_index.has_artifact(tx, repo.id, artifact):
                raise NotFound(f"There is no artifact '{artifact}' in {repo.full_name}.", code="no_artifact")
            return registry_index.versions_of(tx, repo.id, artifact, page, active_only=active_only)

    def problems(self, actor: Actor, namespace: str, name: str) -> Sequence[TagProblem]:
        """The tags of a repo that look like the registry's but cannot be read."""
        with self._stores.database.read() as tx:
            return registry_index.problems_of(tx, find_repo(tx, actor, namespace, name).repo.id)


def check_message(message: str | None) -> None:
    """Checks the message of a tag or a commit; None is right.

    Raises:
        InvalidInput: It is too long, blank, or holds NUL.
    """
    if message is None:
        return
    if len(message) > LONGEST_MESSAGE or "\0" in message or not message.strip():
        raise InvalidInput(
            f"A message has 1 to {LONGEST_MESSAGE} characters and no NUL.", code="invalid_message"
        )


def require_active(state: ArtifactState, version: str, repo_name: str) -> str:
    """The commit of an active version.

    Raises:
        NotFound: There is no such version, or it was deregistered.
    """
    found = state.version(version)
    if found is None or not found.is_registered or not found.is_active:
        raise NotFound(f"There is no version {version} of '{state.name}' in {repo_name}.", code="no_version")
    return found.commit


def number_for(state: ArtifactState, commit: str, wanted: Numbering) -> str:
    """The version that a commit would become.

    Raises:
        Conflict: The commit has a version already, or the version exists.
    """
    here = state.version_at(commit)
    if here is not None and (here.is_active or here.name != str(wanted.version)):
        again = "" if here.is_active else f" It was deregistered, and can be registered again as {here.name}."
        raise Conflict(
            f"Commit {commit[:12]} is already version {here.name} of '{state.name}'; a commit holds one version of "
            f"an artifact.{again}",
            code="version_exists_for_commit",
            version=here.name,
        )
    latest = state.latest
    known = [version.semver for version in state.named_versions.values() if version.semver]
    chosen = str(wanted.choose(latest.semver if latest else None, known))
    earlier = state.version(chosen)
    if earlier is not None and earlier.is_registered and earlier.is_active:
        raise AlreadyExists(
            f"Version {chosen} of '{state.name}' is already registered, at commit {earlier.commit[:12]}; choose "
            "another.",
            code="version_exists",
            version=chosen,
        )
    if earlier is not None and earlier.is_registered and earlier.commit != commit:
        raise Conflict(
            f"Version {chosen} of '{state.name}' was deregistered; it can only come back at its own commit "
            f"{earlier.commit[:12]}.",
            code="version_deregistered",
            version=chosen,
        )
    return chosen
