"""Moving the bytes of LFS objects, by ticket: who comes with one is checked again, then the edge streams.

An object becomes visible in this order: its bytes durable under their name, then the link that lets the repo read it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from modelkeep.blobs.ports import AppendWriter, BlobInfo, BlobReader, BlobWriter, PartWriter
from modelkeep.db import blobs
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.errors import InvalidInput, NotFound, NotPermitted
from modelkeep.domain.lfs import Oid
from modelkeep.services.access import find_repo, find_repo_by_id
from modelkeep.services.authentication import Authentication
from modelkeep.services.lfs import Lfs
from modelkeep.services.ports import Stores
from modelkeep.services.proposing import require_upload
from modelkeep.services.tickets import Act, Ticket, Tickets

_ABANDONED_SECONDS = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class BlobFile:
    """A blob that can be sent.

    Attributes:
        oid: Its oid.
        size: In bytes.
        path: Its file; None where it has none of its own, being chunks of xorbs.
        open_range: Opens a range of it in either form; slower than the file.
    """

    oid: str
    size: int
    path: Path | None
    open_range: Callable[[int, int], BlobReader]


class Transfers:
    """Uploads and downloads of LFS objects. Every call blocks for at most a short time, but for ``complete``."""

    def __init__(self, stores: Stores, tickets: Tickets, authentication: Authentication, lfs: Lfs) -> None:
        self._stores = stores
        self._tickets = tickets
        self._authentication = authentication
        self._lfs = lfs

    def download(self, text: str, oid: str, address: str) -> BlobFile:
        """Opens a download.

        Raises:
            NotPermitted: The ticket will not do.
            NotFound: The actor may not read the repo any more, or the object is gone.
        """
        ticket, _ = self._use(text, oid, address, Action.READ, Act.DOWNLOAD)
        return self.blob(ticket.oid)

    def blob(self, oid: str) -> BlobFile:
        """A blob that the caller knows the actor may read.

        Raises:
            NotFound: Its bytes are not here.
        """
        store = self._stores.blobs
        info, path = store.stat(oid), store.path(oid)
        if info is None:
            raise NotFound("The bytes of this object are not here.", code="object_missing")
        return BlobFile(oid, info.size, path, partial(store.open_range, oid))

    def begin(self, text: str, oid: str, address: str, length: int | None) -> tuple[Ticket, BlobWriter]:
        """Starts an upload in one piece (transfer ``basic``). End it with :meth:`commit`, or abort the writer.

        Raises:
            InvalidInput: ``length`` (of the request) is another than the object's size.
            NotPermitted: The ticket will not do.
        """
        ticket, _ = self._use(text, oid, address, Action.WRITE, Act.UPLOAD)
        if length is not None and length != ticket.size:
            raise InvalidInput(
                f"The object has {ticket.size} bytes, the request {length}.",
                code="size_mismatch",
                oid=ticket.oid,
            )
        return ticket, self._stores.blobs.begin(ticket.oid, ticket.size)

    def commit(self, ticket: Ticket, writer: BlobWriter) -> None:
        """Makes an upload durable and readable by its repo.

        Raises:
            InvalidInput: The bytes are not those of the oid; nothing is kept.
        """
        with self._stores.blobs.using():
            self._link(ticket, writer.commit())

    def resume_offset(self, text: str, oid: str, address: str) -> tuple[int, int]:
        """How many bytes of a resumable upload are here, and how many it has in all."""
        ticket, _ = self._use(text, oid, address, Action.WRITE, Act.RESUME)
        if self._has(ticket):
            return ticket.size, ticket.size
        upload_id = _upload_id(ticket)
        self._stores.blobs.partials.open(upload_id, ticket.size)
        return self._stores.blobs.partials.offset(upload_id), ticket.size

    def resume(self, text: str, oid: str, address: str, offset: int) -> tuple[Ticket, AppendWriter]:
        """Continues a resumable upload at ``offset``; end it with :meth:`resumed`.

        Raises:
            Conflict: The upload is at another offset (code ``offset_mismatch``).
        """
        ticket, _ = self._use(text, oid, address, Action.WRITE, Act.RESUME)
        upload_id = _upload_id(ticket)
        self._stores.blobs.partials.open(upload_id, ticket.size)
        return ticket, self._stores.blobs.partials.append(upload_id, offset)

    def resumed(self, ticket: Ticket, writer: AppendWriter) -> int:
        """Ends an addition; a complete upload becomes an object. Gives the new offset.

        Raises:
            InvalidInput: The bytes are not those of the oid; the upload is discarded.
        """
        offset = writer.commit()
        if offset == ticket.size:
            self._finish(ticket)
        return offset

    def part(self, text: str, oid: str, number: int, address: str, length: int | None) -> PartWriter:
        """Starts one part of a multipart upload. Commit or abort the writer.

        Raises:
            InvalidInput: ``length`` is not the part's.
        """
        ticket, _ = self._use(text, oid, address, Action.WRITE, Act.PART)
        if number != ticket.part:
            raise NotPermitted("This URL is for another part.", code="forged_url")
        part_size = self._lfs.part_size(ticket.size)
        start = (ticket.part - 1) * part_size
        expected = min(part_size, ticket.size - start)
        if length is not None and length != expected:
            raise InvalidInput(
                f"Part {ticket.part} has {expected} bytes, the request {length}.", code="size_mismatch"
            )
        upload_id = _upload_id(ticket)
        self._stores.blobs.partials.open(upload_id, ticket.size)
        return self._stores.blobs.partials.write_part(upload_id, ticket.part, start, expected)

    def complete(self, text: str, oid: str, address: str, etags: dict[int, str]) -> None:
        """Makes an object of the parts; hashing what was not hashed on arrival may take long.

        Args:
            text: The ticket.
            oid: From the URL.
            address: Of the client.
            etags: What the client was told for each part number.

        Raises:
            InvalidInput: Parts are missing or others than the client means, or the bytes are not those of the oid.
        """
        ticket, _ = self._use(text, oid, address, Action.WRITE, Act.COMPLETE)
        if self._has(ticket):
            return
        upload_id = _upload_id(ticket)
        partials = self._stores.blobs.partials
        if ticket.size == 0:
            partials.open(upload_id, 0)
        stored = {part.number: part.etag for part in partials.parts(upload_id)}
        wrong = sorted(number for number, etag in etags.items() if stored.get(number) != etag.strip('"'))
        if wrong:
            raise InvalidInput(
                f"Part {wrong[0]} is not what was uploaded; send it again.", code="part_mismatch"
            )
        self._finish(ticket)

    def verify(
        self, text: str | None, actor: Actor | None, repo: tuple[str, str], oid: str, size: int, address: str
    ) -> None:
        """Says whether an uploaded object is here, readable by its repo, and of that size.

        Args:
            text: The ticket; None where the client came with credentials instead.
            actor: Who came with credentials.
            repo: Namespace and name of the repo that such a client means.
            oid: What was uploaded.
            size: In bytes.
            address: Of the client.

        Raises:
            NotFound: It is not.
        """
        if actor is not None:
            with self._stores.database.read() as tx:
                access = find_repo(tx, actor, *repo)
                require_upload(tx, access, self._stores.now())
                repo_id = access.repo.id
        else:
            repo_id = self._use(text or "", oid, address, Action.WRITE, Act.VERIFY)[0].repo_id
        with self._stores.database.read() as tx:
            linked = blobs.linked(tx, repo_id, [oid])
        info = self._stores.blobs.stat(oid)
        if linked.get(oid) != size or info is None or info.size != size:
            raise NotFound("This object was not uploaded completely; upload it again.", code="object_missing")

    def sweep_temporary(self) -> int:
        """Removes what uploads of a process that has ended left behind; gives the count. For a hub that starts."""
        return self._stores.blobs.sweep_temporary()

    def sweep_abandoned(self) -> int:
        """Removes uploads that nobody has continued for a week; gives their count."""
        return self._stores.blobs.partials.sweep(_ABANDONED_SECONDS)

    def _has(self, ticket: Ticket) -> bool:
        with self._stores.database.read() as tx:
            linked = blobs.linked(tx, ticket.repo_id, [ticket.oid])
        return linked.get(ticket.oid) == ticket.size and self._stores.blobs.stat(ticket.oid) is not None

    def _use(self, text: str, oid: str, address: str, action: Action, *acts: Act) -> tuple[Ticket, Actor]:
        ticket = self._tickets.read(text, *acts)
        if ticket.oid != oid:
            raise NotPermitted("This URL is for another object.", code="forged_url")
        actor = self._authentication.by_ids(ticket.user_id, ticket.token_id, address, "lfs")
        with self._stores.database.read() as tx:
            access = find_repo_by_id(tx, actor, ticket.repo_id)
            access.require_content()
            if action is not Action.READ:
                require_upload(tx, access, self._stores.now())
        return ticket, actor

    def _finish(self, ticket: Ticket) -> None:
        with self._stores.blobs.using():
            self._link(
                ticket, self._stores.blobs.partials.finish(_upload_id(ticket), ticket.oid, ticket.size)
            )

    def _link(self, ticket: Ticket, info: BlobInfo) -> None:
        with self._stores.database.write() as tx:
            blobs.record_blob_and_link(
                tx, Oid(info.oid), info.size, ticket.repo_id, ticket.user_id, self._stores.now()
            )


def _upload_id(ticket: Ticket) -> str:
    text = f"{ticket.repo_id}:{ticket.oid}:{ticket.size}:{ticket.user_id}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
