"""How promotion requests come to their end: used up by an assignment, or outdated by what has changed.

It follows the index, so a request ends whichever door the change came through, also where a crash let the hub find it
only afterwards.
"""

from __future__ import annotations

from modelkeep.db import promotions, repos
from modelkeep.db import registry as registry_index
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.artifacts import Json
from modelkeep.domain.changes import Changes
from modelkeep.domain.outbox import FOUND_BY_HUB
from modelkeep.domain.policy import EffectivePolicy
from modelkeep.domain.promotions import PromotionRequest, RequestState
from modelkeep.domain.repos import Repo
from modelkeep.domain.tag_grammar import EventKind
from modelkeep.services.audit import record
from modelkeep.services.outbox import emit
from modelkeep.services.policies import Policies
from modelkeep.services.ports import Stores

_HUB = Actor(None, FOUND_BY_HUB)


class RequestEnds:
    """Ends promotion requests, and tells everybody about them."""

    def __init__(self, stores: Stores, policies: Policies) -> None:
        self._stores = stores
        self._policies = policies

    def follow(self, tx: Transaction, repo_id: str, actor: Actor | None, changes: Changes) -> None:
        """Ends the requests that a change of a repo has fulfilled or outdated."""
        live = promotions.live_requests(tx, repo_id)
        repo = repos.repo_by_id(tx, repo_id) if live else None
        if repo is None:
            return
        by = actor or _HUB
        made = {
            (event.artifact, event.stage, event.commit): event.tag
            for event in reversed(changes.added)
            if event.kind is EventKind.ASSIGNMENT
        }
        for request in live:
            tag = made.get((request.artifact, request.stage, request.commit))
            if tag is not None:
                self.end(tx, by, repo, request, RequestState.COMPLETED, tag=tag)
        self.withdraw_outdated(tx, by, repo)

    def withdraw_outdated(self, tx: Transaction, actor: Actor, repo: Repo) -> None:
        """Withdraws the requests of a repo that are about what is no longer so."""
        live = promotions.live_requests(tx, repo.id)
        if not live:
            return
        policy = self._policies.effective(tx, repo)
        for request in live:
            reason = self.fault_of(tx, policy, request)
            if reason is not None:
                self.end(tx, actor, repo, request, RequestState.WITHDRAWN, reason=reason)

    def withdraw_outdated_in(self, tx: Transaction, actor: Actor, namespace_id: int) -> None:
        """The same for all repos of a namespace, whose policy has changed."""
        for repo_id in promotions.repos_with_live_requests(tx, namespace_id):
            repo = repos.repo_by_id(tx, repo_id)
            if repo is not None and repo.deleted_at is None:
                self.withdraw_outdated(tx, actor, repo)

    def fault_of(self, tx: Transaction, policy: EffectivePolicy, request: PromotionRequest) -> str | None:
        """Why a request is outdated; None where it is not."""
        if policy.digest != request.policy_digest:
            return "The policy has changed since it was proposed."
        row = registry_index.version_row(tx, request.repo_id, request.artifact, request.version)
        if row is None or not row.is_active or row.commit != request.commit:
            return f"Version {request.version} was deregistered or moved."
        return None

    def end(
        self,
        tx: Transaction,
        actor: Actor,
        repo: Repo,
        request: PromotionRequest,
        state: RequestState,
        *,
        tag: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Ends a request, as part of ``tx``."""
        promotions.set_state(tx, request.id, state, self._stores.now(), tag=tag, reason=reason)
        self.say(tx, actor, repo, request, state.value, tag=tag, reason=reason)

    def say(
        self,
        tx: Transaction,
        actor: Actor,
        repo: Repo,
        request: PromotionRequest,
        verb: str,
        *,
        tag: str | None = None,
        reason: str | None = None,
        comment: str | None = None,
    ) -> None:
        """Tells the audit and the outbox what happened to a request, as part of ``tx``."""
        data: dict[str, Json] = {
            "number": request.number,
            "artifact": request.artifact,
            "version": request.version,
            "commit": request.commit,
            "stage": request.stage,
            "proposer": request.proposer,
            "policy_digest": request.policy_digest,
            "tag": tag,
            "reason": reason,
            "comment": comment,
        }
        emit(tx, self._stores.now(), f"promotion.{verb}", data, repo=repo, actor=actor.username)
        record(
            tx,
            actor,
            f"promotion.{verb}",
            f"{repo.full_name} {request.number}",
            repo=repo,
            artifact=request.artifact,
            version=request.version,
            stage=request.stage,
            tag=tag,
            reason=reason,
            comment=comment,
        )
