"""The LFS batch: which objects are here, which may be uploaded, and the tickets for both.

A known oid grants nothing: an object counts as "here" only where it is linked to this repo or to one that the actor
may read. The gate asks the same question when the pointer is pushed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from modelkeep.db import blobs
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.errors import InvalidInput, TooLarge
from modelkeep.domain.lfs import Oid
from modelkeep.domain.repos import Repo
from modelkeep.services.access import find_repo
from modelkeep.services.ports import GIB, Rules, Stores
from modelkeep.services.proposing import require_upload
from modelkeep.services.tickets import Act, Tickets

MOST_PARTS = 10_000
MOST_PARTS_IN_BATCH = 32_000
"""Tickets for parts in one answer, some 600 bytes each; objects that need more go in one piece each."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object of a batch request; ``problem`` says why it cannot be one (``oid`` is then as it came)."""

    oid: str
    size: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer for one object.

    Attributes:
        oid: As asked for.
        size: As asked for, or as stored for a download.
        ticket: For the transfer; None where there is nothing to transfer.
        verify: For the verification after an upload.
        parts: One ticket for each part of a multipart upload; ``ticket`` then completes it.
        code: An error's code in HTTP's numbers (Git LFS, docs/api/batch.md), None for no error.
        message: The error's text.
    """

    oid: str
    size: int
    ticket: str | None = None
    verify: str | None = None
    parts: tuple[str, ...] = ()
    code: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """The answers, in the order of the request, and the transfer that all of them use.

    ``lifetime`` is the shortest life of the tickets in seconds; ``part_size`` is for ``multipart``.
    """

    repo: Repo
    transfer: str
    answers: tuple[Answer, ...]
    lifetime: int
    part_size: int

    def part_size_of(self, size: int) -> int:
        """The size of a part of an object of ``size`` bytes."""
        return part_size_for(self.part_size, size)


def part_size_for(least: int, size: int) -> int:
    """The size of a part, at least ``least``, so that an object has at most :data:`MOST_PARTS`."""
    chosen = least
    while -(-size // chosen) > MOST_PARTS:
        chosen *= 2
    return chosen


class Lfs:
    """The LFS batch API."""

    def __init__(self, stores: Stores, rules: Rules, tickets: Tickets) -> None:
        self._stores = stores
        self._rules = rules
        self._tickets = tickets

    def check_size(self, count: int) -> None:
        """Checks the number of objects in a batch.

        Raises:
            TooLarge: It is over the limit.
        """
        if count > self._rules.max_batch_objects:
            raise TooLarge(
                f"A batch has at most {self._rules.max_batch_objects} objects; this one has {count}. Send several.",
                code="batch_too_large",
                limit=self._rules.max_batch_objects,
            )

    def batch(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        operation: str,
        wanted: Sequence[Wanted],
        transfers: Collection[str],
    ) -> Batch:
        """Answers a batch request.

        Args:
            actor: Needs to read the repo's content, and to write to it for an upload (or to have a pull request).
            namespace: Of the repo.
            name: Of the repo.
            operation: ``upload`` or ``download``.
            wanted: The objects.
            transfers: What the client speaks; ``basic`` is always among it.

        Raises:
            InvalidInput: Another operation.
            TooLarge: Too many objects.
        """
        self.check_size(len(wanted))
        if operation == "download":
            return self._download(actor, namespace, name, wanted)
        if operation == "upload":
            return self._upload(actor, namespace, name, wanted, transfers)
        raise InvalidInput("operation must be 'upload' or 'download'.", code="invalid_operation")

    def _download(self, actor: Actor, namespace: str, name: str, wanted: Sequence[Wanted]) -> Batch:
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.READ)
            access.require_content()
            repo = access.repo
            linked = blobs.linked(tx, repo.id, sorted({w.oid for w in wanted if w.problem is None}))
        answers = []
        for item in wanted:
            size = linked.get(item.oid)
            if item.problem is not None:
                answers.append(Answer(item.oid, item.size, code=422, message=item.problem))
            elif size is None or self._stores.blobs.stat(item.oid) is None:
                answers.append(Answer(item.oid, item.size, code=404, message="This repo has no such object."))
            elif size != item.size:
                answers.append(
                    Answer(item.oid, item.size, code=422, message=f"This object has {size} bytes.")
                )
            else:
                ticket = self._tickets.issue(Act.DOWNLOAD, actor, repo.id, Oid(item.oid), size)
                answers.append(Answer(item.oid, size, ticket=ticket))
        return self._batch(repo, "basic", answers)

    def _upload(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        wanted: Sequence[Wanted],
        transfers: Collection[str],
    ) -> Batch:
        oids = sorted({w.oid for w in wanted if w.problem is None})
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name)
            require_upload(tx, access, self._stores.now())
            repo = access.repo
            readable = blobs.readable(tx, actor, repo.id, oids)
        transfer = self._choose(transfers, [w for w in wanted if w.oid not in readable])
        answers: list[Answer] = []
        to_link: list[tuple[str, int]] = []
        for item in wanted:
            known = readable.get(item.oid) if item.problem is None else None
            if known is not None and self._stores.blobs.stat(item.oid) is None:
                known = None  # its bytes are gone: let them be uploaded again
            if known is None:
                answers.append(self._upload_answer(actor, repo, item, transfer))
            elif known.size != item.size:
                answers.append(
                    Answer(item.oid, item.size, code=422, message=f"This object has {known.size} bytes.")
                )
            else:
                if not known.linked_here:
                    to_link.append((item.oid, item.size))
                answers.append(Answer(item.oid, item.size))
        if to_link:
            with self._stores.database.write() as tx:
                blobs.link(tx, repo.id, to_link, actor.user_id, self._stores.now())
        return self._batch(repo, transfer, answers)

    def _upload_answer(self, actor: Actor, repo: Repo, item: Wanted, transfer: str) -> Answer:
        if item.problem is not None:
            return Answer(item.oid, item.size, code=422, message=item.problem)
        if item.size > self._rules.max_lfs_object:
            limit = f"{self._rules.max_lfs_object / GIB:g} GiB"
            return Answer(
                item.oid, item.size, code=413, message=f"Objects over {limit} are not accepted here."
            )
        oid = Oid(item.oid)
        verify = self._tickets.issue(Act.VERIFY, actor, repo.id, oid, item.size)
        if transfer == "multipart":
            count = -(-item.size // self.part_size(item.size))
            parts = tuple(
                self._tickets.issue(Act.PART, actor, repo.id, oid, item.size, part=number)
                for number in range(1, count + 1)
            )
            complete = self._tickets.issue(Act.COMPLETE, actor, repo.id, oid, item.size)
            return Answer(item.oid, item.size, ticket=complete, verify=verify, parts=parts)
        act = Act.RESUME if transfer == "tus" else Act.UPLOAD
        return Answer(
            item.oid,
            item.size,
            ticket=self._tickets.issue(act, actor, repo.id, oid, item.size),
            verify=verify,
        )

    def part_size(self, size: int) -> int:
        """The size of a part of an object of ``size`` bytes."""
        return part_size_for(self._rules.part_size, size)

    def _choose(self, transfers: Collection[str], needed: Sequence[Wanted]) -> str:
        if "tus" in transfers:
            return "tus"
        limit = self._rules.max_lfs_object
        sizes = [w.size for w in needed if w.problem is None and w.size <= limit]
        parts = sum(-(-size // self.part_size(size)) for size in sizes)
        is_large = max(sizes, default=0) > self._rules.multipart_above
        if "multipart" in transfers and is_large and parts <= MOST_PARTS_IN_BATCH:
            return "multipart"
        return "basic"

    def _batch(self, repo: Repo, transfer: str, answers: Sequence[Answer]) -> Batch:
        lifetime = int(self._rules.url_lifetime.total_seconds())
        return Batch(repo, transfer, tuple(answers), lifetime, self._rules.part_size)
