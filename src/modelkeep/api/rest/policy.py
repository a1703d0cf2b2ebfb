"""Policies of repos and organisations, and their grammar."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from modelkeep.api.rest import render_policy
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name
from modelkeep.api.rest.schemas.policy import EffectivePolicy, PolicyProblems, PolicyText, SentPolicyText
from modelkeep.services.policy_text import policy_schema, read_policy_text

router = APIRouter(route_class=GuardedRoute, tags=["policy"])


@router.get("/repos/{ns}/{repo}/policy", operation_id="showPolicy", summary="Show what holds in a repo")
async def show_policy(call: CallOf, ns: Name, repo: Name) -> EffectivePolicy:
    """Its own policy, or its organisation's."""
    return render_policy.effective_policy(await call.run(call.services.policies.show, call.actor, ns, repo))


@router.post("/policy/validate", operation_id="validatePolicy", summary="Check a policy before it is pushed")
async def validate_policy(call: CallOf, body: SentPolicyText) -> PolicyProblems:
    """Nothing is kept."""
    read = await call.run(read_policy_text, body.text)
    return PolicyProblems(problems=render_policy.problems(read.problems))


@router.get("/policy/schema", operation_id="showPolicySchema", summary="The grammar of policies")
async def show_schema() -> dict[str, Any]:
    """As a JSON Schema, for editors."""
    return dict(policy_schema())


@router.get(
    "/orgs/{org}/policy", operation_id="showOrganisationPolicy", summary="Show an organisation's policy"
)
async def show_organisation_policy(call: CallOf, org: Name) -> PolicyText:
    """For its members."""
    return render_policy.policy_text(await call.run(call.services.organisation_policies.get, call.actor, org))


@router.put(
    "/orgs/{org}/policy", operation_id="setOrganisationPolicy", summary="Give an organisation a policy"
)
async def set_organisation_policy(call: CallOf, org: Name, body: SentPolicyText) -> PolicyText:
    """Only owners may. Promotion requests under the one before are withdrawn."""
    return render_policy.policy_text(
        await call.run(call.services.organisation_policies.set, call.actor, org, body.text)
    )


@router.delete(
    "/orgs/{org}/policy",
    operation_id="removeOrganisationPolicy",
    summary="Take an organisation's policy away",
    status_code=204,
)
async def remove_organisation_policy(call: CallOf, org: Name) -> None:
    """Only owners may."""
    await call.run(call.services.organisation_policies.remove, call.actor, org)
