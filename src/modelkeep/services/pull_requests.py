"""Pull requests: commits under ``refs/pr/NUMBER``, made by whoever may read the repo, merged by whoever may write.

The ref is made by the hub when the pull request is opened, and stays when it has ended. All updates pass the gate.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from modelkeep.db import discussions, locks
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.discussions import (
    PULL_REQUESTS,
    Discussion,
    DiscussionEventKind,
    DiscussionStatus,
    check_comment,
    check_title,
    number_of,
    ref_of,
)
from modelkeep.domain.errors import Conflict, NotFound
from modelkeep.domain.objects import ZERO_ID, Commit, RefUpdate
from modelkeep.domain.paging import PageRequest
from modelkeep.git import incoming, log, merging, objects, refs
from modelkeep.services.access import RepoAccess, find_repo
from modelkeep.services.ports import Stores
from modelkeep.services.writes import Writes

MOST_COMMITS = 100
_ANNOUNCED_FOR = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request that was opened: its number, its ref, and the commit that it starts from."""

    number: int
    ref: str
    base_commit: str


@dataclass(frozen=True, slots=True)
class PullRequestState:
    """What Git says of a pull request: its commits, oldest first; which files stand in the way of a merge."""

    commits: tuple[Commit, ...]
    conflicts: tuple[str, ...]
    diff: str | None


class PullRequests:
    """Opens and merges pull requests."""

    def __init__(self, stores: Stores, writes: Writes) -> None:
        self._stores = stores
        self._writes = writes

    def announce(self, actor: Actor, namespace: str, name: str) -> None:
        """Lets somebody send objects for a pull request that they are about to open, for two hours.

        Raises:
            Unauthenticated: Nobody is signed in.
            NotPermitted: The token is not for it, or the repo is gated and the actor was not let in.
        """
        with self._stores.database.write() as tx:
            access = _proposing(tx, actor, namespace, name)
            if actor.user_id is not None and not access.may(Action.WRITE):
                until = self._stores.now() + _ANNOUNCED_FOR
                discussions.announce(tx, access.repo.id, actor.user_id, until)

    def open(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        *,
        title: str,
        description: str = "",
        base: str | None = None,
        start: str | None = None,
        is_draft: bool = False,
    ) -> PullRequest:
        """Opens a pull request without commits yet.

        Args:
            actor: Needs to read the repo's content; becomes the author.
            namespace: Of the repo.
            name: Of the repo.
            title: What it is called; one line.
            description: Its first comment; may be empty.
            base: The branch that it is for; None for the default branch.
            start: The commit of that branch that it starts from, perhaps shortened; None for the last one.
            is_draft: It must be opened before it can be merged.

        Raises:
            NotFound: No such repo or branch.
            InvalidInput: A title or description that cannot be.
        """
        title, description = check_title(title), check_comment(description, may_be_empty=True)
        with self._stores.database.read() as tx:
            access = _proposing(tx, actor, namespace, name)
        branch = (base or access.repo.default_branch).removeprefix("refs/heads/")
        status = DiscussionStatus.DRAFT if is_draft else DiscussionStatus.OPEN
        with self._writes.locked(access.repo.id) as git_dir:
            tip = _tip(access, git_dir, branch)
            commit = tip if start is None else _on_the_way(git_dir, start, tip)
            with self._stores.database.read() as tx:
                number = next_number(tx, access.repo.id, git_dir)

            def write(tx: Transaction) -> None:
                now = self._stores.now()
                made = discussions.add_discussion(
                    tx,
                    repo_id=access.repo.id,
                    number=number,
                    title=title,
                    status=status,
                    author_id=actor.user_id,
                    author=actor.username,
                    target=branch,
                    base_commit=commit,
                    now=now,
                )
                if description:
                    say(tx, made, DiscussionEventKind.COMMENT, actor, description, self._stores)

            update = RefUpdate(ref_of(number), ZERO_ID, commit)
            self._writes.apply(access, [update], "pull_request.open", also=write)
        return PullRequest(number, ref_of(number), commit)

    @contextmanager
    def opening(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        *,
        title: str,
        description: str = "",
        base: str | None,
        start: str | None = None,
    ) -> Iterator[PullRequest]:
        """Like :meth:`open`, for a block that puts the first commit on it; an error there undoes the opening."""
        made = self.open(actor, namespace, name, title=title, description=description, base=base, start=start)
        try:
            yield made
        except BaseException:
            self._discard(actor, namespace, name, made)
            raise

    def merge(
        self, actor: Actor, namespace: str, name: str, number: int, comment: str | None = None
    ) -> Discussion:
        """Moves the target branch to what the pull request holds: forward where it can be, else by a merge commit.

        Raises:
            NotFound: No such repo or pull request.
            NotPermitted: The actor may not push to the target branch.
            Conflict: Files conflict (``merge_conflict``, with their names), or it has ended, is a draft, or has
                nothing to merge.
        """
        remark = check_comment(comment, may_be_empty=True) if comment else ""
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.WRITE)
        with self._writes.locked(access.repo.id) as git_dir:
            with self._stores.database.read() as tx:
                found = _mergeable(tx, access, number)
            head, tip = self._ends(access, git_dir, found)
            if merging.is_merged(git_dir, tip, head):
                raise Conflict(
                    f"The pull request {number} has nothing that is not in '{found.target}' already.",
                    code="nothing_to_merge",
                )
            self._require_unlocked(access, git_dir, tip, head)
            signature = self._writes.signature(actor)
            message = f"{found.title} (#{number})\n\nMerges {found.ref}, opened by {found.author}.\n"
            merged = merging.merge(git_dir, tip, head, signature, message)

            def write(tx: Transaction) -> None:
                if remark:
                    say(tx, found.id, DiscussionEventKind.COMMENT, actor, remark, self._stores)
                say(tx, found.id, DiscussionEventKind.STATUS, actor, DiscussionStatus.MERGED, self._stores)
                discussions.change_discussion(
                    tx, found.id, status=str(DiscussionStatus.MERGED), merge_commit=merged
                )

            update = RefUpdate(f"refs/heads/{found.target}", tip, merged)
            self._writes.apply(access, [update], "pull_request.merge", also=write, number=number)
        with self._stores.database.read() as tx:
            return discussions.discussion_of(tx, access.repo.id, number) or found

    def state(self, access: RepoAccess, found: Discussion, *, with_diff: bool) -> PullRequestState:
        """What Git says of a pull request, for somebody who may read the content."""
        git_dir = self._stores.repositories.path(access.repo.id)
        present = refs.read_refs(git_dir, [found.ref, f"refs/heads/{found.target}"])
        if found.ref not in present or found.base_commit is None:
            return PullRequestState((), (), None)
        head = present[found.ref].target
        commits = log.log_between(git_dir, found.base_commit, head, limit=MOST_COMMITS)
        target = present.get(f"refs/heads/{found.target}")
        conflicts: tuple[str, ...] = ()
        if found.status.is_live and target is not None:
            conflicts = merging.conflicts(git_dir, target.target, head)
        diff = merging.diff(git_dir, found.base_commit, head) if with_diff else None
        return PullRequestState(tuple(reversed(commits)), conflicts, diff)

    def _discard(self, actor: Actor, namespace: str, name: str, made: PullRequest) -> None:
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name)
        with self._writes.locked(access.repo.id) as git_dir:
            present = refs.read_refs(git_dir, [made.ref]).get(made.ref)
            with self._stores.database.read() as tx:
                found = discussions.discussion_of(tx, access.repo.id, made.number)
            if present is None or found is None:
                return
            self._writes.apply(
                access,
                [RefUpdate(made.ref, present.target, ZERO_ID)],
                "pull_request.discard",
                also=lambda tx: discussions.remove_discussion(tx, found.id),
            )

    def _ends(self, access: RepoAccess, git_dir: Path, found: Discussion) -> tuple[str, str]:
        present = refs.read_refs(git_dir, [found.ref])
        if found.ref not in present:
            raise NotFound(
                f"The commits of the pull request {found.number} are not in this repo any more.",
                code="revision_not_found",
            )
        return present[found.ref].target, _tip(access, git_dir, found.target or "")

    def _require_unlocked(self, access: RepoAccess, git_dir: Path, tip: str, head: str) -> None:
        """The gate looks at new commits; those of a pull request are no news, so that locks are asked for here."""
        with self._stores.database.read() as tx:
            held = {
                lock.path: lock.owner_name
                for lock in locks.list_locks(tx, access.repo.id, PageRequest(limit=10_000)).items
                if lock.owner_id != access.actor.user_id
            }
        base = merging.base_of(git_dir, tip, head)
        changed = incoming.changed_among(git_dir, None, base, head, sorted(held)) if held else []
        if changed:
            path = changed[0]
            raise Conflict(
                f"{path} is locked by {held[path]}. Ask them to unlock it ('git lfs unlock {path}') before the merge.",
                code="locked",
                path=path,
            )


def next_number(tx: Transaction, repo_id: str, git_dir: Path) -> int:
    """The next discussion's number; one whose ref a crash left behind is passed over. The caller holds the lock."""
    left = [number_of(ref.name) or 0 for ref in refs.list_refs(git_dir, (PULL_REQUESTS,))]
    return 1 + max(discussions.last_number(tx, repo_id), *left, 0)


def say(
    tx: Transaction, discussion_id: int, kind: DiscussionEventKind, actor: Actor, content: str, stores: Stores
) -> int:
    """Adds an event in the actor's name; gives its id."""
    return discussions.add_event(
        tx,
        discussion_id,
        kind,
        user_id=actor.user_id,
        username=actor.username,
        content=str(content),
        now=stores.now(),
    ).id


def _proposing(tx: Transaction, actor: Actor, namespace: str, name: str) -> RepoAccess:
    access = find_repo(tx, actor, namespace, name, Action.PROPOSE)
    access.require_content()
    return access


def _tip(access: RepoAccess, git_dir: Path, branch: str) -> str:
    ref = f"refs/heads/{branch}"
    present = refs.read_refs(git_dir, [ref]).get(ref)
    if present is None or present.commit is None:
        raise NotFound(
            f"There is no branch '{branch[:100]}' in {access.repo.full_name}; a pull request is for a branch.",
            code="revision_not_found",
        )
    return present.target


def _on_the_way(git_dir: Path, start: str, tip: str) -> str:
    """The commit that ``start`` names, which led to ``tip``.

    Raises:
        NotFound: It names none, or one that did not.
    """
    commit = objects.resolve_commit(git_dir, start)
    if commit is None or not objects.is_ancestor(git_dir, commit, tip):
        raise NotFound(f"The branch has no commit {start[:40]}.", code="revision_not_found")
    return commit


def _mergeable(tx: Transaction, access: RepoAccess, number: int) -> Discussion:
    found = discussions.discussion_of(tx, access.repo.id, number)
    if found is None or not found.is_pull_request:
        raise NotFound(
            f"There is no pull request {number} in {access.repo.full_name}.", code="discussion_not_found"
        )
    if found.status is DiscussionStatus.DRAFT:
        raise Conflict(
            f"The pull request {number} is a draft: set its status to open, then merge it.",
            code="pull_request_draft",
        )
    if not found.status.is_live:
        raise Conflict(f"The pull request {number} is {found.status} already.", code="pull_request_ended")
    return found
