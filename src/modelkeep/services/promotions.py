"""Promotion requests: proposed by one, approved by others, used up by one assignment.

What a request needs is decided by the policy at the gate, when the tag is made; what is recorded here is who said
what. A request ends by itself when what it was about has changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modelkeep.db import promotions
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.errors import Conflict, InvalidInput, ModelkeepError, NotFound, NotPermitted
from modelkeep.domain.names import parse_artifact, parse_stage
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.domain.policy import EffectivePolicy, StageRule
from modelkeep.domain.policy_checks import Check, approvals_needed
from modelkeep.domain.promotions import PromotionRequest, RequestState, ReviewVerdict
from modelkeep.domain.repos import Repo
from modelkeep.domain.versions import SemVer
from modelkeep.services.access import RepoAccess, find_repo, find_repo_by_id, require_signed_in
from modelkeep.services.assignments import Assignments, Plan, Target, require_elsewhere
from modelkeep.services.policies import Policies
from modelkeep.services.ports import Stores
from modelkeep.services.registry_writes import RegistryWrites
from modelkeep.services.request_ends import RequestEnds
from modelkeep.services.versions import check_message, require_active
from modelkeep.services.writes import Writes

_LONGEST_COMMENT = 10_000


@dataclass(frozen=True, slots=True)
class RequestStanding:
    """A request as it stands now.

    Attributes:
        request: As it is recorded.
        needed: How many approvals the policy wants.
        approvers: Whose approvals count now.
        blocking: What would stop the promotion, if whoever asks made it now.
    """

    request: PromotionRequest
    needed: int = 0
    approvers: tuple[str, ...] = ()
    blocking: tuple[Check, ...] = ()


class Promotions:
    """The promotion requests of repos."""

    def __init__(
        self,
        stores: Stores,
        writes: Writes,
        registry: RegistryWrites,
        policies: Policies,
        assignments: Assignments,
        request_ends: RequestEnds,
    ) -> None:
        self._stores = stores
        self._writes = writes
        self._registry = registry
        self._policies = policies
        self._assignments = assignments
        self._ends = request_ends

    def propose(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        *,
        artifact: str,
        stage: str,
        version: str,
        message: str | None = None,
    ) -> RequestStanding:
        """Asks that a version be promoted.

        Raises:
            NotFound: There is no such repo or active version.
            NotPermitted: The actor may not register versions, or the policy has no such stage.
            AlreadyExists: The same is requested already.
            Conflict: The version holds the stage already.
        """
        parse_artifact(artifact)
        parse_stage(stage)
        check_message(message)
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.REGISTER)
        if actor.user_id is None:
            raise NotPermitted("A promotion is proposed by a user.", code="user_needed")
        with self._writes.locked(access.repo.id) as git_dir:
            state = self._registry.state(access.repo.id, artifact)
            wanted = state.latest.name if version == "latest" and state.latest else version
            chosen = str(SemVer.parse_lenient(wanted))
            target = Target(stage, require_active(state, chosen, str(access.repo.full_name)), chosen)
            require_elsewhere(state, target)
            plan = self._assignments.plan(access, git_dir, state, target)
            self._assignments.require_possible(plan)
            with self._stores.database.write() as tx:
                number = promotions.add_request(
                    tx,
                    repo_id=access.repo.id,
                    artifact=artifact,
                    version=chosen,
                    commit=target.commit,
                    stage=stage,
                    proposer_id=actor.user_id,
                    proposer=actor.username,
                    message=message or "",
                    policy_digest=plan.policy_digest,
                    previous=plan.previous,
                    now=self._stores.now(),
                )
                self._ends.say(tx, actor, access.repo, self._required(tx, access.repo, number), "proposed")
        return self.get(actor, access.repo.namespace, access.repo.name, number)

    def get(self, actor: Actor, namespace: str, name: str, number: int) -> RequestStanding:
        """A request, for everybody who may read the repo.

        Raises:
            NotFound: There is none of this number.
        """
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name)
            request = self._required(tx, access.repo, number)
        return self._standing(access, request)

    def list(
        self,
        actor: Actor,
        page: PageRequest,
        *,
        repo: tuple[str, str] | None = None,
        state: str | None = None,
        role: str | None = None,
        artifact: str | None = None,
        stage: str | None = None,
    ) -> Page[RequestStanding]:
        """Requests in repos that the actor may read, the newest first.

        Args:
            actor: Who asks.
            page: Which page; with the role ``reviewer`` it may hold fewer than asked for.
            repo: Only of this one.
            state: Only in this state.
            role: ``proposer`` for the actor's own; ``reviewer`` for those that wait for the actor's word.
            artifact: Only of this artifact.
            stage: Only for this stage.

        Raises:
            InvalidInput: There is no such state or role.
            NotFound: ``repo`` names none.
        """
        states = (RequestState.parse(state),) if state is not None else ()
        if role not in (None, "reviewer", "proposer"):
            raise InvalidInput("role is reviewer or proposer.", code="invalid_choice")
        if role is not None or repo is None:
            require_signed_in(actor)
        mine = actor.user_id if actor.user_id is not None else 0
        with self._stores.database.read() as tx:
            repo_id = find_repo(tx, actor, *repo).repo.id if repo else None
            found = promotions.list_requests(
                tx,
                actor,
                page,
                repo_id=repo_id,
                states=states,
                artifact=artifact,
                stage=stage,
                proposer_id=mine if role == "proposer" else None,
                not_proposer_id=mine if role == "reviewer" else None,
            )
            accesses = {
                one.repo_id: find_repo_by_id(tx, actor, one.repo_id)
                for one in {request.repo_id: request for request in found.items}.values()
            }
        standings = [self._standing(accesses[one.repo_id], one) for one in found.items]
        if role == "reviewer":
            standings = [
                one for one in standings if self._waits_for(accesses[one.request.repo_id], one.request)
            ]
        return Page(tuple(standings), found.next_cursor)

    def approve(
        self, actor: Actor, namespace: str, name: str, number: int, comment: str | None = None
    ) -> RequestStanding:
        """Approves a request. The approval that completes it makes the tag, if the actor may and nothing else blocks.

        Raises:
            NotFound: There is none of this number.
            NotPermitted: The actor is the proposer, or the policy does not let this user approve.
            Conflict: The request has come to its end.
        """
        with self._reviewing(actor, namespace, name, number, comment) as (access, git_dir, request):
            self._review(access, request, ReviewVerdict.APPROVE, comment)
            self._complete(access, git_dir, request)
        return self.get(actor, access.repo.namespace, access.repo.name, number)

    def reject(
        self, actor: Actor, namespace: str, name: str, number: int, comment: str | None = None
    ) -> RequestStanding:
        """Rejects a request, which ends it.

        Raises:
            ModelkeepError: As :meth:`approve`.
        """
        with self._reviewing(actor, namespace, name, number, comment) as (access, _, request):
            self._review(access, request, ReviewVerdict.REJECT, comment)
        return self.get(actor, access.repo.namespace, access.repo.name, number)

    def withdraw(
        self, actor: Actor, namespace: str, name: str, number: int, comment: str | None = None
    ) -> RequestStanding:
        """Takes a request back: its proposer may, and maintainers.

        Raises:
            NotFound: There is none of this number.
            NotPermitted: The actor is neither.
            Conflict: The request has come to its end.
        """
        _check_comment(comment)
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name)
            request = self._required(tx, access.repo, number)
        require_signed_in(actor)
        if actor.user_id is not None and actor.user_id == request.proposer_id:
            access.require_scope(Action.REGISTER)
        else:
            access.require(Action.PROMOTE)
        with self._writes.locked(access.repo.id), self._stores.database.write() as tx:
            request = self._live(tx, access.repo, number)
            self._ends.end(tx, actor, access.repo, request, RequestState.WITHDRAWN, reason=comment or None)
        return self.get(actor, access.repo.namespace, access.repo.name, number)

    @contextmanager
    def _reviewing(
        self, actor: Actor, namespace: str, name: str, number: int, comment: str | None
    ) -> Iterator[tuple[RepoAccess, Path, PromotionRequest]]:
        """Holds the repo's lock over a request that is live and that the actor may review."""
        _check_comment(comment)
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name)
            self._required(tx, access.repo, number)
        access.require_scope(Action.PROMOTE)
        with self._writes.locked(access.repo.id) as git_dir:
            with self._stores.database.write() as tx:
                self._ends.withdraw_outdated(tx, actor, access.repo)
            with self._stores.database.read() as tx:
                request = self._live(tx, access.repo, number)
                policy = self._policies.effective(tx, access.repo)
            _check_reviewer(access, policy, request)
            yield access, git_dir, request

    def _review(
        self, access: RepoAccess, request: PromotionRequest, verdict: ReviewVerdict, comment: str | None
    ) -> None:
        actor = access.actor
        if actor.user_id is None:
            raise NotPermitted("A request is reviewed by a user.", code="user_needed")
        with self._stores.database.write() as tx:
            promotions.set_review(
                tx, request.id, actor.user_id, actor.username, verdict, comment or "", self._stores.now()
            )
            if verdict is ReviewVerdict.REJECT:
                self._ends.end(tx, actor, access.repo, request, RequestState.REJECTED, reason=comment or None)
            else:
                self._ends.say(tx, actor, access.repo, request, "approved", comment=comment or None)

    def _complete(self, access: RepoAccess, git_dir: Path, request: PromotionRequest) -> None:
        """Makes the tag of a request that has its approvals, where nothing else blocks it."""
        state = self._registry.state(access.repo.id, request.artifact)
        target = Target(request.stage, request.commit, request.version)
        plan = self._assignments.plan(access, git_dir, state, target)
        if not _has_approvals(plan):
            return
        with self._stores.database.write() as tx:
            promotions.set_state(tx, request.id, RequestState.APPROVED, self._stores.now())
        if plan.is_allowed and self._assignments.may_assign(access, request.artifact, request.stage):
            try:
                self._assignments.write(access, git_dir, state, target, request.message or None)
            except ModelkeepError:
                return  # the approval stands; what blocks is shown with the request

    def _standing(self, access: RepoAccess, request: PromotionRequest) -> RequestStanding:
        with self._stores.database.read() as tx:
            policy = self._policies.effective(tx, access.repo)
        needed = max(1, approvals_needed(policy, request.artifact, request.stage))
        if not request.state.is_live:
            return RequestStanding(request, needed, tuple(one.username for one in request.approved_by))
        git_dir = self._stores.repositories.path(access.repo.id)
        state = self._registry.state(access.repo.id, request.artifact)
        plan = self._assignments.plan(
            access, git_dir, state, Target(request.stage, request.commit, request.version)
        )
        # Who would assign it is not settled before it is approved.
        is_open = request.state is RequestState.OPEN
        blocking = [
            check
            for check in plan.checks
            if not check.passed and not (is_open and check.code == "policy_role")
        ]
        return RequestStanding(request, needed, plan.approvers, tuple(blocking))

    def _waits_for(self, access: RepoAccess, request: PromotionRequest) -> bool:
        """Whether the actor may say something to a request, and has not."""
        if any(review.user_id == access.actor.user_id for review in request.reviews):
            return False
        with self._stores.database.read() as tx:
            policy = self._policies.effective(tx, access.repo)
        try:
            _check_reviewer(access, policy, request)
        except ModelkeepError:
            return False
        return request.state.is_live

    def _required(self, tx: Transaction, repo: Repo, number: int) -> PromotionRequest:
        request = promotions.request_of(tx, repo.id, number)
        if request is None:
            raise NotFound(f"There is no promotion request {number} in {repo.full_name}.", code="no_request")
        return request

    def _live(self, tx: Transaction, repo: Repo, number: int) -> PromotionRequest:
        request = self._required(tx, repo, number)
        if not request.state.is_live:
            why = f": {request.reason}" if request.reason else "."
            raise Conflict(
                f"Promotion request {number} is {request.state}{why} Propose the promotion again.",
                code="request_closed",
                state=request.state.value,
            )
        return request


def _check_reviewer(access: RepoAccess, policy: EffectivePolicy, request: PromotionRequest) -> None:
    """Lets somebody pass whose word on a request counts.

    Raises:
        NotPermitted: It is the proposer, or the policy names others.
    """
    actor = access.actor
    if actor.user_id is not None and actor.user_id == request.proposer_id:
        raise NotPermitted(
            f"You proposed request {request.number}; somebody else reviews it.", code="own_request"
        )
    rules = policy.rules_for(request.artifact, request.stage) or [StageRule(request.stage)]
    is_reached = actor.is_within_limits(access.repo.full_name)
    if not is_reached or not any(rule.approvers.allows(actor.username, access.role) for rule in rules):
        raise NotPermitted(
            f"Promotions of '{request.artifact}' to '{request.stage}' are reviewed by {rules[0].approvers}; you have "
            f"the role {access.role.label}.",
            code="not_a_reviewer",
        )


def _has_approvals(plan: Plan) -> bool:
    """Whether a request has what it needs: the approvals of the policy, and one at least."""
    return bool(plan.approvers) and all(c.passed for c in plan.checks if c.code == "policy_approvals")


def _check_comment(comment: str | None) -> None:
    if comment is not None and (len(comment) > _LONGEST_COMMENT or "\0" in comment):
        raise InvalidInput(
            f"A comment has at most {_LONGEST_COMMENT} characters and no NUL.", code="invalid_message"
        )
