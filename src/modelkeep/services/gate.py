"""The one gate in front of every ref update, whichever door it comes through.

A pushed pack, a commit made by the REST API and a tag made by ``promote`` are all a list of proposed ref updates and
the blobs that come with them. The gate says which of them may not pass, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from modelkeep.db import blobs, locks, protections
from modelkeep.domain.access import Action, Actor, Role
from modelkeep.domain.discussions import PULL_REQUESTS, number_of
from modelkeep.domain.errors import (
    Conflict,
    InvalidInput,
    ModelkeepError,
    NotPermitted,
    TooLarge,
)
from modelkeep.domain.lfs import Oid, parse_pointer
from modelkeep.domain.objects import ZERO_ID, NewBlob, RefUpdate
from modelkeep.domain.paging import PageRequest
from modelkeep.domain.repos import Protection, Repo
from modelkeep.domain.tag_grammar import parse_tag
from modelkeep.git import incoming, objects, refs
from modelkeep.git.library import shared_handles
from modelkeep.services.access import RepoAccess
from modelkeep.services.policy_gate import PolicyGate
from modelkeep.services.ports import MIB, Rules, Stores
from modelkeep.services.proposals import Incoming, Passed, Refused
from modelkeep.services.proposing import require_commits
from modelkeep.services.registry_gate import RegistryGate

__all__ = ["Gate", "Incoming", "Passed", "Refused"]

_MAX_REFUSALS = 20


class Gate:
    """Checks proposed ref updates against permissions, protection rules, LFS and the registry's grammar."""

    def __init__(self, stores: Stores, rules: Rules, policy_gate: PolicyGate) -> None:
        self._stores = stores
        self._rules = rules
        self._policy_gate = policy_gate
        self._registry = RegistryGate(stores, policy_gate)

    def check(self, access: RepoAccess, proposal: Incoming) -> Passed:
        """Lets the updates pass, all together, or refuses them.

        The caller holds the repo's lock, so that what was checked is still so when the refs move.

        Raises:
            Refused: With every reason found (at most 20).
        """
        with shared_handles():
            return self._check(access, proposal)

    def _check(self, access: RepoAccess, proposal: Incoming) -> Passed:
        git_dir = self._stores.repositories.path(access.repo.id)
        reasons: list[ModelkeepError] = []
        with self._stores.database.read() as tx:
            rules: Sequence[Protection] = protections.protections_of(tx, access.repo.id)
        if not proposal.rewrites:
            rules = _with_default(access.repo, rules)
        if not proposal.is_by_hub:
            reasons += _check_places(access.repo, git_dir, proposal.updates)
        for update in proposal.updates:
            try:
                self._check_ref(access, git_dir, proposal, update, rules)
            except ModelkeepError as reason:
                reasons.append(reason)
        findings = self._registry.check(access, git_dir, proposal)
        reasons += findings.reasons
        pointers, blob_reasons = self._check_blobs(access, git_dir, proposal)
        reasons += blob_reasons
        if not reasons:
            reasons += self._check_locks(access, git_dir, proposal)
        if reasons:
            raise Refused(reasons[:_MAX_REFUSALS])
        return Passed(tuple(pointers), tuple(findings.warnings))

    def check_blobs(self, access: RepoAccess, new_blobs: Sequence[NewBlob]) -> None:
        """Judges files before the hub makes objects of them: what is in a repository counts as checked.

        Raises:
            Refused: A file is too large, or an LFS pointer whose object the actor may not read.
        """
        git_dir = self._stores.repositories.path(access.repo.id)
        _, reasons = self._check_blobs(access, git_dir, Incoming((), None, new_blobs))
        if reasons:
            raise Refused(reasons[:_MAX_REFUSALS])

    def _check_ref(
        self,
        access: RepoAccess,
        git_dir: Path,
        proposal: Incoming,
        update: RefUpdate,
        rules: Sequence[Protection],
    ) -> None:
        if update.is_create and update.is_delete:
            # Git deletes the ref, whatever it is at, for a client that says so of a ref that it says is not there.
            raise InvalidInput(
                f"{update.ref}: a ref cannot be created and deleted at once.", code="invalid_ref_update"
            )
        number = number_of(update.ref)
        if number is not None:
            self._check_pull_request(access, git_dir, proposal, update, number)
            return
        is_tag = update.ref.startswith("refs/tags/")
        if not is_tag and not update.ref.startswith("refs/heads/"):
            raise NotPermitted(
                f"{update.ref}: only branches (refs/heads/) and tags (refs/tags/) can be pushed.",
                code="ref_namespace",
            )
        if not refs.is_valid_name(update.ref):
            raise InvalidInput(f"{update.ref!r} is no valid name for a ref.", code="invalid_ref")
        short = update.ref.split("/", 2)[2]
        registry_name = parse_tag(short) if is_tag else None
        if registry_name is not None:
            return  # judged by RegistryGate
        access.require(Action.WRITE)
        if not update.is_delete and not is_tag:
            self._require_commit(git_dir, proposal, update)
        covering = [rule for rule in rules if rule.covers(is_tag, short)]
        if covering:
            self._check_protection(access, git_dir, proposal, update, covering)
        if not is_tag:
            self._policy_gate.check_file(access, git_dir, proposal, update)

    def _check_pull_request(
        self, access: RepoAccess, git_dir: Path, proposal: Incoming, update: RefUpdate, number: int
    ) -> None:
        if update.is_create or update.is_delete:
            if not proposal.is_by_hub:
                raise NotPermitted(
                    f"{update.ref}: the refs of pull requests are made and removed by the hub. Open a pull request, "
                    "then push to its ref.",
                    code="ref_namespace",
                )
            access.require(Action.PROPOSE)
            access.require_content()
        if not update.is_create:
            with self._stores.database.read() as tx:
                require_commits(tx, access, number)
        if not update.is_delete:
            self._require_commit(git_dir, proposal, update)

    def _check_protection(
        self,
        access: RepoAccess,
        git_dir: Path,
        proposal: Incoming,
        update: RefUpdate,
        covering: Sequence[Protection],
    ) -> None:
        kind, short = ("tag" if covering[0].is_tag else "branch"), update.ref.split("/", 2)[2]
        needed = max(rule.push_role for rule in covering)
        if access.role < needed:
            raise NotPermitted(
                f"{kind} '{short}' is protected: pushing to it needs the role {needed.label}, you are "
                f"{access.role.label}. Push to another branch instead.",
                code="protected_ref",
            )
        if update.is_delete and not all(rule.allows_delete for rule in covering):
            raise NotPermitted(
                f"{kind} '{short}' is protected and cannot be deleted. A maintainer can change the rule in the repo's "
                "settings.",
                code="protected_ref",
            )
        if update.is_create or update.is_delete or all(rule.allows_force for rule in covering):
            return
        is_forward = not covering[0].is_tag and objects.is_ancestor(
            git_dir, update.old, update.new, quarantine=proposal.quarantine
        )
        if not is_forward:
            raise NotPermitted(
                f"{kind} '{short}' is protected: "
                + ("it cannot be moved." if covering[0].is_tag else "it cannot be force-pushed.")
                + " Fetch, rebase or merge, and push without force.",
                code="protected_ref",
            )

    def _require_commit(self, git_dir: Path, proposal: Incoming, update: RefUpdate) -> None:
        if not incoming.commit_exists(git_dir, proposal.quarantine, update.new):
            raise InvalidInput(
                f"{update.ref} would point to {update.new[:12]}, which is no commit.", code="no_commit"
            )

    def _check_blobs(
        self, access: RepoAccess, git_dir: Path, proposal: Incoming
    ) -> tuple[list[tuple[Oid, int]], list[ModelkeepError]]:
        new: Iterable[NewBlob] = proposal.blobs
        if proposal.quarantine is not None:
            new = incoming.new_blobs(git_dir, proposal.quarantine)
        pointers: dict[tuple[Oid, int], str] = {}
        too_large: dict[str, int] = {}
        for blob in new:
            pointer = parse_pointer(blob.content) if blob.content is not None else None
            if pointer is not None:
                pointers[pointer.oid, pointer.size] = blob.id
            elif blob.size > self._rules.max_git_file:
                too_large[blob.id] = blob.size
        missing = self._unreadable(access.actor, access.repo, pointers)
        if not too_large and not missing:
            return list(pointers), []
        paths = self._paths(git_dir, proposal, [*too_large, *missing])
        reasons: list[ModelkeepError] = [
            self._too_large(paths.get(blob_id), blob_id, size) for blob_id, size in too_large.items()
        ]
        reasons += [_lfs_missing(paths.get(blob_id), blob_id, oid) for blob_id, oid in missing.items()]
        return list(pointers), reasons

    def _unreadable(self, actor: Actor, repo: Repo, pointers: dict[tuple[Oid, int], str]) -> dict[str, Oid]:
        if not pointers:
            return {}
        with self._stores.database.read() as tx:
            readable = blobs.readable(tx, actor, repo.id, sorted({oid for oid, _ in pointers}))
        return {
            blob_id: oid
            for (oid, size), blob_id in pointers.items()
            if oid not in readable or readable[oid].size != size
        }

    def _paths(self, git_dir: Path, proposal: Incoming, blob_ids: Sequence[str]) -> dict[str, list[str]]:
        if proposal.quarantine is None:
            return {blob_id: [blob_id] for blob_id in blob_ids}  # made by the hub: named by its path
        tips = [update.new for update in proposal.updates if not update.is_delete]
        return incoming.name_blobs(git_dir, proposal.quarantine, tips, blob_ids)

    def _too_large(self, paths: list[str] | None, blob_id: str, size: int) -> TooLarge:
        limit = f"files over {self._rules.max_git_file / MIB:g} MiB go through Git LFS"
        if paths is None:
            return TooLarge(
                f"{_unnamed(blob_id)} has {size / MIB:.1f} MiB; {limit}.", code="file_too_large", size=size
            )
        path = paths[0]
        pattern = f"*.{path.rsplit('.', 1)[1]}" if "." in path.rsplit("/", 1)[-1] else path
        return TooLarge(
            f"{path} has {size / MIB:.1f} MiB; {limit}:\n"
            f'  git lfs track "{pattern}" && git add .gitattributes\n'
            f'  git lfs migrate import --include="{pattern}"   (rewrites the commits that hold it)\n'
            "  and push again.",
            code="file_too_large",
            path=path,
            size=size,
        )

    def _check_locks(self, access: RepoAccess, git_dir: Path, proposal: Incoming) -> list[ModelkeepError]:
        with self._stores.database.read() as tx:
            held = {
                lock.path: lock.owner_name
                for lock in locks.list_locks(tx, access.repo.id, PageRequest(limit=10_000)).items
                if lock.owner_id != access.actor.user_id
            }
        if not held:
            return []
        touched: set[str] = set()
        for update in proposal.updates:
            if update.is_delete:
                continue
            if update.ref.startswith(("refs/heads/", PULL_REQUESTS)):
                touched.update(_changed(git_dir, proposal.quarantine, update, sorted(held)))
            else:
                # What a tag brings would be no news when a branch follows.
                touched.update(_changed_by_tag(git_dir, proposal.quarantine, update, sorted(held)))
        return [
            Conflict(
                f"{path} is locked by {held[path]}. Ask them to unlock it ('git lfs unlock {path}'), or leave it out "
                "of this push.",
                code="locked",
                path=path,
            )
            for path in sorted(touched)
        ]


def _check_places(repo: Repo, git_dir: Path, updates: Sequence[RefUpdate]) -> list[ModelkeepError]:
    """Reasons against moving refs from where they are not. Git refuses these, and accepts the rest of the push.

    That rest would be judged as if the others had moved.
    """
    present = refs.read_refs(git_dir, [update.ref for update in updates])
    seen: set[str] = set()
    reasons: list[ModelkeepError] = []
    for update in updates:
        ref = present.get(update.ref)
        # The hub's own first commit is hidden from those who push a history of their own.
        is_hidden = update.is_create and ref is not None and ref.target == repo.pristine_commit
        is_gone = update.is_delete and ref is None
        is_there = update.old == (ref.target if ref is not None else ZERO_ID)
        if update.ref in seen or not (is_there or is_hidden or is_gone):
            reasons.append(
                Conflict(
                    f"{update.ref} has moved meanwhile, or is named twice in this push. Fetch, and push again.",
                    code="ref_moved",
                )
            )
        seen.add(update.ref)
    return reasons


def _with_default(repo: Repo, rules: Sequence[Protection]) -> list[Protection]:
    if any(rule.pattern == repo.default_branch and not rule.is_tag for rule in rules):
        return list(rules)
    return [*rules, Protection(0, False, _literal(repo.default_branch), Role.CONTRIBUTOR)]


def _changed(git_dir: Path, quarantine: Path | None, update: RefUpdate, held: list[str]) -> list[str]:
    """The held paths that an update of a branch changes; what others changed and it only merges does not count."""
    changed = held
    if not update.is_create:
        changed = incoming.changed_among(git_dir, quarantine, update.old, update.new, held)
        if not changed or not objects.is_ancestor(git_dir, update.old, update.new, quarantine=quarantine):
            return changed
    return incoming.changed_by_new_commits(git_dir, quarantine, update.new, changed)


def _changed_by_tag(git_dir: Path, quarantine: Path | None, update: RefUpdate, held: list[str]) -> list[str]:
    tag = incoming.raw_tag_in(git_dir, quarantine, update.ref.removeprefix("refs/tags/"), update.new)
    if tag.peeled_type != "commit":
        return []
    return incoming.changed_by_new_commits(git_dir, quarantine, tag.peeled_id, held)


def _literal(pattern: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in pattern)


def _lfs_missing(paths: list[str] | None, blob_id: str, oid: Oid) -> InvalidInput:
    path = paths[0] if paths else _unnamed(blob_id)
    return InvalidInput(
        f"{path} is an LFS pointer to {oid[:12]}…, which has not been uploaded to this repo. Run\n"
        "  git lfs push --all origin\n"
        "  and push again (git push --no-verify and hooks switched off skip the upload).",
        code="lfs_object_missing",
        path=path,
        oid=oid,
    )


def _unnamed(blob_id: str) -> str:
    # No file of the new commits: a tag of a blob, or an object that nothing names. Accepted now it would count as
    # known when a later push names it.
    return f"object {blob_id[:12]}"
