"""Gated repos: who asked to read the content, and what they were answered.

What a gated repo keeps back is decided by :meth:`modelkeep.services.access.RepoAccess.require_content`; here is who
changes what that asks. A role in the repo or its organisation needs no request.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelkeep.db import access_requests, accounts, repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.errors import Conflict, InvalidInput, NotFound
from modelkeep.domain.gating import AccessRequest, AccessStatus, Gating
from modelkeep.domain.outbox import FOUND_BY_HUB
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.services.access import RepoAccess, find_repo
from modelkeep.services.audit import record
from modelkeep.services.outbox import emit
from modelkeep.services.ports import Stores

_MOST_FIELDS, _LONGEST_FIELD, _LONGEST_REASON = 50, 1000, 200


class GatedRepos:
    """Requests to read the content of gated repos."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def configure(self, actor: Actor, namespace: str, name: str, gated: Gating | None) -> None:
        """Gates a repo, or (None) gives its content to whoever may read it. Only owners may.

        Raises:
            NotPermitted: The actor does not own the repo.
        """
        with self._stores.database.write() as tx:
            repo = find_repo(tx, actor, namespace, name, Action.ADMINISTER).repo
            if gated is repo.gated:
                return
            now, value = self._stores.now(), gated.value if gated else False
            repos.update_repo(tx, repo.id, gated=gated, updated_at=now)
            record(tx, actor, "repo.gate", str(repo.full_name), repo=repo, gated=value)
            emit(tx, now, "repo.updated", {"gated": value}, repo=repo, actor=actor.username)

    def check(self, actor: Actor, namespace: str, name: str, action: Action = Action.READ) -> RepoAccess:
        """Finds a repo for somebody who wants its content.

        Raises:
            Unauthenticated: Nobody is signed in, and it is not public, or gated.
            NotFound: It is not there for this actor.
            NotPermitted: The role or the token does not allow ``action``, or (``gated_repo``) it is gated and the
                actor was not let in.
        """
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, action)
        access.require_content()
        return access

    def ask(
        self, actor: Actor, namespace: str, name: str, fields: Mapping[str, str] | None = None
    ) -> AccessRequest:
        """Asks for access; a repo that is gated ``auto`` accepts at once. To ask again changes nothing.

        Raises:
            Unauthenticated: Nobody is signed in.
            InvalidInput: The repo is not gated, the actor has a role in it, or the form is too long.
            Conflict: The request was rejected.
        """
        given = _checked_fields(fields or {})
        with self._stores.database.write() as tx:
            access = find_repo(tx, actor, namespace, name, Action.PROPOSE)
            _require_gated(access)
            user_id = _require_outsider(tx, access, actor.user_id, "You")
            known = access_requests.request_of(tx, access.repo.id, user_id)
            if known is not None and known.status is AccessStatus.REJECTED:
                raise Conflict(
                    f"Your request for {access.repo.full_name} was rejected"
                    + (f": {known.reason}" if known.reason else "."),
                    code="access_rejected",
                )
            if known is not None:
                return known
            is_auto = access.repo.gated is Gating.AUTO
            status = AccessStatus.ACCEPTED if is_auto else AccessStatus.PENDING
            by = FOUND_BY_HUB if is_auto else None
            return self._put(tx, access, actor, user_id, status, given, by=by, is_granted=False)

    def mine(self, actor: Actor, namespace: str, name: str) -> tuple[RepoAccess, AccessRequest | None]:
        """Whether the repo's content is for the actor, and what they asked."""
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name)
            if actor.user_id is None:
                return access, None
            return access, access_requests.request_of(tx, access.repo.id, actor.user_id)

    def list(
        self, actor: Actor, namespace: str, name: str, status: AccessStatus, page: PageRequest
    ) -> Page[AccessRequest]:
        """The requests that are so, oldest first. For maintainers.

        Raises:
            InvalidInput: The repo is not gated.
        """
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.CONFIGURE)
            _require_gated(access)
            return access_requests.list_requests(tx, access.repo.id, status, page)

    def handle(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        status: AccessStatus,
        *,
        username: str | None = None,
        request_id: int | None = None,
        reason: str | None = None,
    ) -> AccessRequest:
        """Accepts or rejects a request, or (``pending``) takes the answer back. For maintainers.

        Raises:
            InvalidInput: The repo is not gated, or the reason is too long.
            NotFound: There is no such user or request, or it is so already.
        """
        if reason is not None and len(reason) > _LONGEST_REASON:
            raise InvalidInput(f"A reason has at most {_LONGEST_REASON} characters.", code="invalid_reason")
        with self._stores.database.write() as tx:
            access = find_repo(tx, actor, namespace, name, Action.CONFIGURE)
            _require_gated(access)
            found = _request(tx, access, username, request_id)
            if found.status is status:
                raise NotFound(
                    f"The request of '{found.username}' is {status} already.", code="access_request_not_found"
                )
            reason = reason if status is AccessStatus.REJECTED else None
            access_requests.decide(tx, found.id, status, actor.username, reason, self._stores.now())
            _record(tx, actor, access, found.username, status)
            return access_requests.request_by_id(tx, access.repo.id, found.id) or found

    def answer(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        username: str,
        status: AccessStatus,
        reason: str | None = None,
    ) -> AccessRequest:
        """Like :meth:`handle`, and like :meth:`grant` for who is accepted without having asked."""
        try:
            return self.handle(actor, namespace, name, status, username=username, reason=reason)
        except NotFound as error:
            if status is not AccessStatus.ACCEPTED or error.code != "access_request_not_found":
                raise
        return self.grant(actor, namespace, name, username)

    def grant(self, actor: Actor, namespace: str, name: str, username: str) -> AccessRequest:
        """Lets somebody in who has not asked. For maintainers.

        Raises:
            InvalidInput: The repo is not gated, or they may read its content already.
            NotFound: There is no such user.
        """
        with self._stores.database.write() as tx:
            access = find_repo(tx, actor, namespace, name, Action.CONFIGURE)
            _require_gated(access)
            user = accounts.user_by_name(tx, username)
            if user is None:
                raise _no_user(username)
            _require_outsider(tx, access, user.id, f"'{user.name}'")
            if access_requests.is_accepted(tx, access.repo.id, user.id):
                raise InvalidInput(f"'{user.name}' has access already.", code="access_granted")
            return self._put(
                tx, access, actor, user.id, AccessStatus.ACCEPTED, {}, by=actor.username, is_granted=True
            )

    def _put(
        self,
        tx: Transaction,
        access: RepoAccess,
        actor: Actor,
        user_id: int,
        status: AccessStatus,
        fields: Mapping[str, str],
        *,
        by: str | None,
        is_granted: bool,
    ) -> AccessRequest:
        access_requests.put_request(
            tx,
            access.repo.id,
            user_id,
            status,
            fields=fields,
            is_granted=is_granted,
            decided_by=by,
            now=self._stores.now(),
        )
        made = access_requests.request_of(tx, access.repo.id, user_id)
        if made is None:
            raise _no_request()
        _record(tx, actor, access, made.username, status)
        return made


def _require_gated(access: RepoAccess) -> None:
    if access.repo.gated is None:
        raise InvalidInput(
            f"{access.repo.full_name} is not gated: who may read it may read its files.", code="not_gated"
        )


def _require_outsider(tx: Transaction, access: RepoAccess, user_id: int | None, who: str) -> int:
    if user_id is None or repos.granted_role(tx, access.repo, user_id) is not None:
        raise InvalidInput(
            f"{who} may read the files of {access.repo.full_name} without a request, by a role in it.",
            code="access_granted",
        )
    return user_id


def _request(
    tx: Transaction, access: RepoAccess, username: str | None, request_id: int | None
) -> AccessRequest:
    if (username is None) == (request_id is None):
        raise InvalidInput("Name either the user or the request.", code="user_or_request")
    if username is not None:
        user = accounts.user_by_name(tx, username)
        if user is None:
            raise _no_user(username)
        found = access_requests.request_of(tx, access.repo.id, user.id)
    else:
        found = access_requests.request_by_id(tx, access.repo.id, request_id or 0)
    if found is None:
        raise _no_request()
    return found


def _checked_fields(fields: Mapping[str, str]) -> dict[str, str]:
    if len(fields) > _MOST_FIELDS or any(len(k) + len(v) > _LONGEST_FIELD for k, v in fields.items()):
        raise InvalidInput(
            f"A form has at most {_MOST_FIELDS} fields of {_LONGEST_FIELD} characters.", code="invalid_fields"
        )
    return dict(fields)


def _record(tx: Transaction, actor: Actor, access: RepoAccess, username: str, status: AccessStatus) -> None:
    record(tx, actor, "access.set", f"{access.repo.full_name} {username}", repo=access.repo, to=status.value)


def _no_user(username: str) -> NotFound:
    return NotFound(f"There is no user '{username[:80]}'.", code="user_not_found")


def _no_request() -> NotFound:
    return NotFound("There is no such request for access.", code="access_request_not_found")
