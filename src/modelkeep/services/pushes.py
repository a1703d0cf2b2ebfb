"""A push by git, from the first look at the refs to the index: authorise, check, accept, index.

The edge streams the pack; this service decides. ``decide`` runs while the new objects are in quarantine and takes the
repo's lock when it accepts; ``finish`` runs when git has moved the refs (or not) and always releases the lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modelkeep.db import blobs, repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.errors import ModelkeepError, Unavailable
from modelkeep.domain.objects import RefUpdate
from modelkeep.domain.repos import Repo
from modelkeep.git import locks, refs
from modelkeep.git.push_hook import Proposal, Verdict
from modelkeep.git.transport import PackLimits, PackProcess, Runner, Service, advertise
from modelkeep.services.access import RepoAccess, find_repo, find_repo_by_id
from modelkeep.services.audit import record_all
from modelkeep.services.authentication import present_actor
from modelkeep.services.gate import Gate, Incoming, Passed, Refused
from modelkeep.services.indexing import Indexing
from modelkeep.services.ports import Stores
from modelkeep.services.proposing import require_upload

_LOCK_SECONDS = 60.0
_FOLLOW_TRIES = 10
_PUSH_ACTIONS = (Action.WRITE, Action.REGISTER, Action.PROMOTE)


@dataclass(frozen=True, slots=True)
class Transport:
    """How packs are received and sent: the limits of a process, and where the hook lies that asks :class:`Push`."""

    hooks: Path
    limits: PackLimits = field(default_factory=PackLimits)


class Pushes:
    """Fetches and pushes over Git's own protocol."""

    def __init__(self, stores: Stores, gate: Gate, indexing: Indexing, transport: Transport) -> None:
        self._stores = stores
        self._gate = gate
        self._indexing = indexing
        self._transport = transport

    def advertise(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        service: str,
        protocol: str | None,
    ) -> bytes:
        """The first answer of a fetch or a push: the refs and what the server can do.

        Args:
            actor: Needs to read the repo, or to be allowed to push something.
            namespace: Of the repo.
            name: Of the repo.
            service: ``git-upload-pack`` or ``git-receive-pack``.
            protocol: The client's ``Git-Protocol`` header.

        Raises:
            Unauthenticated: Nobody is signed in, and it is not public (or is not there), or it is a push.
            NotFound: It is not there for this actor.
            NotPermitted: The actor may only read it.
        """
        if service == Service.RECEIVE_PACK:
            push = self.push(actor, namespace, name)
            return advertise(
                push.git_dir,
                Service.RECEIVE_PACK,
                protocol_header=protocol,
                extra_config=[f"receive.hideRefs={ref}" for ref in push.hidden_refs],
            )
        git_dir = self._readable(actor, namespace, name)
        return advertise(git_dir, Service.UPLOAD_PACK, protocol_header=protocol)

    def fetch(self, actor: Actor, namespace: str, name: str, protocol: str | None) -> PackProcess:
        """A process that serves one request of a fetch; enter it to start it.

        Raises:
            Unauthenticated: Nobody is signed in, and it is not public (or is not there).
            NotFound: It is not there for this actor.
        """
        git_dir = self._readable(actor, namespace, name)
        return PackProcess.upload_pack(git_dir, protocol_header=protocol, limits=self._transport.limits)

    def push(self, actor: Actor, namespace: str, name: str) -> Push:
        """Opens a push by somebody who may push something; what exactly, the gate says ref by ref.

        Raises:
            Unauthenticated: Nobody is signed in.
            NotFound: The repo is not there for this actor.
            NotPermitted: The actor may only read it.
        """
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.READ)
            if not any(access.may(action) for action in _PUSH_ACTIONS):
                require_upload(tx, access, self._stores.now())
        return Push(self._stores, self._gate, self._indexing, self._transport, access)

    def _readable(self, actor: Actor, namespace: str, name: str) -> Path:
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.READ)
        access.require_content()
        return self._stores.repositories.path(access.repo.id)


class Push:
    """One push. Call :meth:`finish` always, at the end."""

    def __init__(
        self, stores: Stores, gate: Gate, indexing: Indexing, transport: Transport, access: RepoAccess
    ) -> None:
        self._stores = stores
        self._gate = gate
        self._indexing = indexing
        self._transport = transport
        self._access = access
        self._lock: locks.Lock | None = None
        self._updates: Sequence[RefUpdate] = ()
        self._recreate: str | None = None
        self.git_dir = stores.repositories.path(access.repo.id)

    @property
    def repo(self) -> Repo:
        """The repo that is pushed to."""
        return self._access.repo

    @property
    def hidden_refs(self) -> list[str]:
        """Refs to leave out of what is advertised to the pusher.

        A repo that holds nothing but the hub's own first commit shows no refs, so that both a clone of it and a local
        repository with a history of its own can be pushed.
        """
        pristine = self._pristine_ref()
        return [pristine] if pristine else []

    def process(self, protocol: str | None, runner: Runner | None = None) -> PackProcess:
        """A process that receives the pack and asks :meth:`decide`; enter it to start it, then :meth:`finish`."""
        return PackProcess.receive_pack(
            self.git_dir,
            hooks=self._transport.hooks,
            decide=self.decide,
            runner=runner,
            protocol_header=protocol,
            limits=self._transport.limits,
        )

    def decide(self, proposal: Proposal) -> Verdict:
        """Judges the proposed updates while their objects are in quarantine. Raises nothing: an error refuses."""
        try:
            self._lock = locks.exclusive(self.git_dir, _LOCK_SECONDS)
            self._access = self._present_access()
            passed = self._gate.check(self._access, Incoming(proposal.updates, proposal.quarantine))
        except Refused as refused:
            self._release()
            return Verdict(False, _shown(refused.reasons))
        except ModelkeepError as error:
            self._release()
            return Verdict(False, error.message)
        except BaseException:
            self._release()
            raise
        self._accept(proposal, passed)
        return Verdict(True, "\n".join(f"Note: {warning}" for warning in passed.warnings))

    def finish(self) -> None:
        """Brings the index up to date with whatever git did, then lets the next writer in.

        A database that another writer keeps busy is waited for, because the refs have moved: nobody else may judge by
        the index before it follows.
        """
        try:
            if self._updates:
                self._restore_pristine()
                self._follow()
        finally:
            self._release()

    def _follow(self) -> None:
        for tries_left in reversed(range(_FOLLOW_TRIES)):
            try:
                with self._stores.database.write() as tx:
                    names = [update.ref for update in self._updates]
                    changes = self._indexing.apply(tx, self.repo.id, names, self._access.actor)
                    self._record(tx, changes.refs)
                return
            except Unavailable:
                if not tries_left:
                    raise

    def _present_access(self) -> RepoAccess:
        """The pusher's rights once all objects have arrived, which may be an hour after the first."""
        actor = self._access.actor
        with self._stores.database.read() as tx:
            if actor.user_id is not None:
                now = self._stores.now()
                actor = present_actor(tx, actor.user_id, actor.token_id, actor.address, actor.door, now)
            return find_repo_by_id(tx, actor, self.repo.id)

    def _accept(self, proposal: Proposal, passed: Passed) -> None:
        try:
            if passed.pointers:
                with self._stores.database.write() as tx:
                    blobs.link(
                        tx, self.repo.id, passed.pointers, self._access.actor.user_id, self._stores.now()
                    )
            self._drop_pristine(proposal.updates)
        except BaseException:
            self._release()
            raise
        self._updates = list(proposal.updates)

    def _pristine_ref(self) -> str | None:
        pristine = self.repo.pristine_commit
        if pristine is None:
            return None
        ref = f"refs/heads/{self.repo.default_branch}"
        present = refs.list_refs(self.git_dir)
        return ref if [(r.name, r.target) for r in present] == [(ref, pristine)] else None

    def _drop_pristine(self, updates: Sequence[RefUpdate]) -> None:
        pristine = self._pristine_ref()
        if pristine is not None and any(
            u.ref == pristine and u.is_create and not u.is_delete for u in updates
        ):
            self._recreate = pristine
            refs.delete_ref(self.git_dir, pristine, self.repo.pristine_commit or "")

    def _restore_pristine(self) -> None:
        if self._recreate is not None and self.repo.pristine_commit and not refs.list_refs(self.git_dir):
            refs.create_ref(self.git_dir, self._recreate, self.repo.pristine_commit)

    def _record(self, tx: Transaction, moved: Sequence[RefUpdate]) -> None:
        record_all(
            tx,
            self._access.actor,
            [
                (f"ref.{_verb(u)}", f"{self.repo.full_name} {u.ref}", {"old": u.old, "new": u.new})
                for u in moved
            ],
            repo=self.repo,
        )
        if moved:
            repos.update_repo(tx, self.repo.id, updated_at=self._stores.now(), pristine_commit=None)

    def _release(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()


def _shown(reasons: Sequence[ModelkeepError]) -> str:
    return "\n".join(["Push refused:", *(f"- {reason.message}" for reason in reasons)])


def _verb(update: RefUpdate) -> str:
    return "delete" if update.is_delete else "create" if update.is_create else "update"
