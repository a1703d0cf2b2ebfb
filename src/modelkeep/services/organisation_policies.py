"""The policies of organisations, which their owners write."""

from __future__ import annotations

from modelkeep.db import policies as policy_rows
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.errors import InvalidInput, NotFound
from modelkeep.domain.policy import PolicyText
from modelkeep.services.access import NamespaceAccess, find_namespace
from modelkeep.services.audit import record
from modelkeep.services.policies import require_valid
from modelkeep.services.policy_text import read_policy_text
from modelkeep.services.ports import Stores
from modelkeep.services.request_ends import RequestEnds


class OrganisationPolicies:
    """What holds in an organisation's repos that have no policy of their own, or (enforced) in all of them."""

    def __init__(self, stores: Stores, request_ends: RequestEnds) -> None:
        self._stores = stores
        self._request_ends = request_ends

    def get(self, actor: Actor, name: str) -> PolicyText:
        """An organisation's policy, for its members.

        Raises:
            NotFound: It has none, or there is no such organisation for this actor.
        """
        with self._stores.database.read() as tx:
            found = _organisation(tx, actor, name, Action.READ)
            text = policy_rows.policy_text(tx, found.namespace.id)
        if text is None:
            raise _none(found)
        return read_policy_text(text)

    def set(self, actor: Actor, name: str, text: str) -> PolicyText:
        """Gives an organisation a policy; requests under the one before are withdrawn.

        Raises:
            InvalidInput: The text is no policy; the error's ``problems`` say where and why.
            NotPermitted: The actor is no owner.
        """
        read = read_policy_text(text)
        with self._stores.database.write() as tx:
            found = _organisation(tx, actor, name, Action.ADMINISTER)
            require_valid(read, f"The policy of '{found.namespace.name}'")
            place = found.namespace.id
            policy_rows.set_policy_text(tx, place, text, actor.username, self._stores.now())
            record(tx, actor, "policy.set", found.namespace.name, namespace_id=place, digest=read.digest)
            self._request_ends.withdraw_outdated_in(tx, actor, place)
        return read

    def remove(self, actor: Actor, name: str) -> None:
        """Takes an organisation's policy away; requests under it are withdrawn.

        Raises:
            NotFound: It has none.
            NotPermitted: The actor is no owner.
        """
        with self._stores.database.write() as tx:
            found = _organisation(tx, actor, name, Action.ADMINISTER)
            if not policy_rows.remove_policy_text(tx, found.namespace.id):
                raise _none(found)
            record(tx, actor, "policy.remove", found.namespace.name, namespace_id=found.namespace.id)
            self._request_ends.withdraw_outdated_in(tx, actor, found.namespace.id)


def _organisation(tx: Transaction, actor: Actor, name: str, action: Action) -> NamespaceAccess:
    found = find_namespace(tx, actor, name, action)
    if not found.namespace.is_organisation:
        raise InvalidInput(f"'{name}' is a user, not an organisation.", code="not_an_organisation")
    return found


def _none(found: NamespaceAccess) -> NotFound:
    return NotFound(f"'{found.namespace.name}' has no policy.", code="no_policy")
