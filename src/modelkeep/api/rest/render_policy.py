"""From policies, promotion requests and checks to wire shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

from modelkeep.api.rest.schemas import policy as shapes
from modelkeep.domain import policy, promotions
from modelkeep.domain.policy_checks import Check
from modelkeep.services.assignments import Plan
from modelkeep.services.promotions import RequestStanding


def effective_policy(value: policy.EffectivePolicy) -> shapes.EffectivePolicy:
    """What holds in a repo."""
    first = value.texts[0] if value.texts else None
    return shapes.EffectivePolicy(
        source=cast(Literal["repo", "organisation", "none"], value.source),
        text=first.text if first else None,
        digest=value.digest,
        problems=problems(first.problems) if first else [],
        stages=_stages(first),
        organisation=policy_text(value.organisation) if value.organisation else None,
    )


def policy_text(value: policy.PolicyText) -> shapes.PolicyText:
    """One policy as it was written."""
    return shapes.PolicyText(
        text=value.text, digest=value.digest, problems=problems(value.problems), stages=_stages(value)
    )


def problems(values: Sequence[policy.PolicyProblem]) -> list[shapes.PolicyProblem]:
    """What is wrong with a policy."""
    return [shapes.PolicyProblem(line=one.line, column=one.column, reason=one.reason) for one in values]


def plan(value: Plan) -> shapes.PromotionPlan:
    """What a promotion would do."""
    return shapes.PromotionPlan(
        allowed=value.is_allowed,
        artifact=value.artifact,
        stage=value.target.stage,
        version=value.target.version,
        commit=value.target.commit,
        previous=value.previous,
        checks=_checks(value.checks),
        warnings=list(value.warnings),
        policy_digest=value.policy_digest,
    )


def request(value: RequestStanding) -> shapes.PromotionRequest:
    """A promotion request as it stands."""
    one = value.request
    return shapes.PromotionRequest(
        repo=one.repo,
        number=one.number,
        artifact=one.artifact,
        version=one.version,
        commit=one.commit,
        stage=one.stage,
        state=one.state.value,
        proposer=one.proposer,
        message=one.message,
        created_at=one.created_at,
        closed_at=one.closed_at,
        policy_digest=one.policy_digest,
        previous=one.previous,
        reviews=[
            shapes.Review(user=r.username, verdict=r.verdict.value, comment=r.comment, at=r.at)
            for r in one.reviews
        ],
        approvals_needed=value.needed,
        approvals=len(value.approvers),
        tag=one.tag,
        reason=one.reason,
        blocking=_checks(value.blocking),
    )


def check(value: promotions.VersionCheck) -> shapes.VersionCheck:
    """What a check says about a version."""
    return shapes.VersionCheck(
        artifact=value.artifact,
        commit=value.commit,
        name=value.name,
        verdict=value.verdict.value,
        summary=value.summary,
        url=value.url,
        recorded_by=value.username,
        recorded_at=value.at,
    )


def _checks(values: Sequence[Check]) -> list[shapes.PolicyCheck]:
    return [
        shapes.PolicyCheck(code=one.code, passed=one.passed, message=one.message, remedy=one.remedy)
        for one in values
    ]


def _stages(text: policy.PolicyText | None) -> list[dict[str, Any]]:
    if text is None or text.policy is None:
        return []
    return [_stage(text.policy, rule) for rule in text.policy.stages]


def _stage(of: policy.Policy, rule: policy.StageRule) -> dict[str, Any]:
    """A rule in the words of the grammar, defaults filled in."""
    return {
        "name": rule.name,
        "artifacts": list(rule.artifacts),
        "assign": _entitled(rule.assign),
        "after": list(_before(of, rule)),
        "branches": list(rule.branches),
        "approvals": rule.approvals,
        "approvers": _entitled(rule.approvers),
        "signed": rule.needs_signature,
        "evidence": [_evidence(one) for one in rule.evidence],
        "rollback": rule.rollback.value,
    }


def _before(of: policy.Policy, rule: policy.StageRule) -> Sequence[str]:
    """The stages before it; in an ordered policy whose entries differ by artifact, those before its entry."""
    if rule.after is not None or not of.is_ordered:
        return rule.after or ()
    names = list(dict.fromkeys(one.name for one in of.stages))
    place = names.index(rule.name)
    return names[place - 1 : place] if place else ()


def _entitled(value: policy.Entitled) -> dict[str, Any]:
    said: dict[str, Any] = {"role": value.role.label} if value.role is not None else {}
    return said | ({"users": list(value.users)} if value.users else {})


def _evidence(value: policy.Evidence) -> dict[str, Any]:
    if isinstance(value, policy.MetricEvidence):
        limits = {name: getattr(value, name) for name in ("at_least", "above", "at_most", "below", "file")}
        return {"metric": value.metric} | {name: limit for name, limit in limits.items() if limit is not None}
    if isinstance(value, policy.LabelEvidence):
        return {"label": value.label}
    if isinstance(value, policy.CardEvidence):
        return {"card": "complete"}
    return {"check": value.check, "by": _entitled(value.by)}
