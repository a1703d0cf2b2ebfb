"""Tokens of the Xet store: for one repo, one revision and one right, and what their holder may do at this moment.

A token goes with an address that names the tenant by an opaque word, so that a client keeps what it remembers (which
xorbs the store has) apart for each tenant. The word decides nothing: it only has to be the one of the token's tenant.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from modelkeep.db import hub, namespaces, xet
from modelkeep.db.transaction import Transaction
from modelkeep.db.xet import Tenant
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.errors import NotPermitted, Unauthenticated
from modelkeep.domain.repos import Repo
from modelkeep.services.access import RepoAccess, find_repo, find_repo_by_id
from modelkeep.services.authentication import Authentication
from modelkeep.services.ports import Rules, Stores
from modelkeep.services.proposing import require_upload
from modelkeep.services.xet_seals import Holder, Seals

_STORE_FACT = "xet_store"
_NOBODY = -1
_WORD = 20
_LONGEST_REVISION = 300


class Right(StrEnum):
    """What a token is for. Who may write may read."""

    READ = "read"
    WRITE = "write"
    PROPOSE = "propose"
    """Send files for a pull request, which takes no more than reading the repo."""


@dataclass(frozen=True, slots=True)
class XetToken:
    """A token as it is given out.

    Attributes:
        text: What the client sends back.
        expires_at: In seconds since 1970.
        scope: The word of the tenant, for the store's address.
    """

    text: str
    expires_at: int
    scope: str


@dataclass(frozen=True, slots=True)
class XetAccess:
    """What the holder of a token may do now.

    Attributes:
        actor: The holder.
        repo: The token's.
        tenant: Whose xorbs the holder may build files from, and adds to.
        epoch: Of what the tenant's clients remember.
        right: The token's.
    """

    actor: Actor
    repo: Repo
    tenant: Tenant
    epoch: int
    right: Right

    @property
    def holder(self) -> Holder:
        """For whom texts are sealed."""
        return Holder(self.repo.id, self.actor.user_id, self.actor.token_id)

    def require_write(self) -> None:
        """Lets pass who may send files.

        Raises:
            NotPermitted: The token is for reading.
        """
        if self.right is Right.READ:
            raise NotPermitted(
                "This token is for reading; ask the hub for a write token.", code="xet_token_right"
            )


class XetTokens:
    """Gives tokens out and judges those that come back."""

    def __init__(self, stores: Stores, rules: Rules, authentication: Authentication) -> None:
        self._stores = stores
        self._rules = rules
        self._authentication = authentication
        self._seals = Seals(stores)
        self._key = stores.signer.derive("xet scopes")
        self._store_id = ""

    def issue(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        revision: str,
        right: Right,
        seconds: float = 0,
    ) -> XetToken:
        """A token for a repo.

        Args:
            actor: Needs to read the repo; to write to it for :attr:`Right.WRITE`; a token with scope ``write`` for
                :attr:`Right.PROPOSE`.
            namespace: Of the repo.
            name: Of the repo.
            revision: What the client says that the token is for.
            right: What it is for.
            seconds: How long it must live at least.

        Raises:
            NotFound: There is no such repo, or the actor may not see it.
            NotPermitted: The actor may read it, no more.
        """
        self._know_store()
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name)
            _require(tx, access, right, self._stores.now())
            scope = self._scope(tx, tenant_of(tx, access))
        expires_at = self._seals.deadline(max(self._rules.url_lifetime.total_seconds(), seconds))
        holder = Holder(access.repo.id, actor.user_id, actor.token_id)
        text = self._seals.seal("token", holder, [right.value, revision[:_LONGEST_REVISION]], expires_at)
        return XetToken(text, expires_at, scope)

    def use(self, text: str, scope: str, address: str) -> XetAccess:
        """What the holder of a token may do now, at the address with this word.

        Raises:
            Unauthenticated: The token is forged or over, or the account or access token behind it was shut.
            NotPermitted: Its holder may not do this any more, or the address is another tenant's.
        """
        try:
            holder, values = self._seals.open("token", text)
            right = Right(values[0])
        except (NotPermitted, ValueError, IndexError):
            raise Unauthenticated(
                "This token of the Xet store is over or not ours; ask the hub for a new one.",
                code="xet_token_invalid",
            ) from None
        return self.access(holder, right, scope, address)

    def access(self, holder: Holder, right: Right, scope: str, address: str) -> XetAccess:
        """Like :meth:`use`, for a text whose seal was checked."""
        actor = self._authentication.by_ids(holder.user_id, holder.token_id, address, "xet")
        self._know_store()
        with self._stores.database.read() as tx:
            access = find_repo_by_id(tx, actor, holder.repo_id)
            _require(tx, access, right, self._stores.now())
            tenant = tenant_of(tx, access)
            epoch = xet.epoch(tx, tenant)
        if not hmac.compare_digest(self._word(tenant), scope.partition("-")[0]):
            raise NotPermitted(
                "This address of the Xet store belongs to another place; the repo may have moved. Ask the hub for a "
                "new token.",
                code="xet_scope",
            )
        return XetAccess(actor, access.repo, tenant, epoch, right)

    def _know_store(self) -> None:
        """A random name of this database: what clients remember of one that was replaced is void."""
        if self._store_id:
            return
        with self._stores.database.read() as tx:
            known = hub.get(tx, _STORE_FACT)
        if known is None:
            with self._stores.database.write() as tx:
                known = hub.get_or_set(tx, _STORE_FACT, secrets.token_hex(16))
        self._store_id = known

    def _scope(self, tx: Transaction, tenant: Tenant) -> str:
        return f"{self._word(tenant)}-{xet.epoch(tx, tenant)}"

    def _word(self, tenant: Tenant) -> str:
        text = f"{self._store_id}:{tenant.namespace_id}:{tenant.owner_id}"
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:_WORD]


def tenant_of(tx: Transaction, access: RepoAccess) -> Tenant:
    """Whose xorbs somebody who works on a repo may build on.

    Those who belong to the namespace share what was sent there: any of them may read all its repos. Anybody else (a
    member of one repo, the author of a pull request, a token that is limited to a repo) has an own stock.
    """
    actor, repo = access.actor, access.repo
    if actor.is_within_limits(repo.namespace):
        if actor.is_hub_admin or actor.user_id == repo.namespace_id:
            return Tenant(repo.namespace_id)
        if actor.user_id is not None and namespaces.member_role(tx, repo.namespace_id, actor.user_id):
            return Tenant(repo.namespace_id)
    return Tenant(repo.namespace_id, _NOBODY if actor.user_id is None else actor.user_id)


def _require(tx: Transaction, access: RepoAccess, right: Right, now: datetime) -> None:
    access.require_content()
    if right is Right.WRITE:
        # For the branch of a pull request its author may, too.
        require_upload(tx, access, now)
    elif right is Right.PROPOSE:
        access.require_scope(Action.WRITE)
