"""Policies, promotion requests, verdicts of checks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from modelkeep.api.rest.schemas.base import Answer, Moment, Sent, SentMessage, SentName

SentPolicy = Annotated[str, StringConstraints(max_length=100_000)]


class PolicyProblem(Answer):
    """What is wrong with a policy, and where; lines and columns count from 1."""

    line: int
    column: int
    reason: str


class PolicyText(Answer):
    """A policy as it was written."""

    text: str
    digest: str = Field(description="sha256: of the text's UTF-8 bytes.")
    problems: list[PolicyProblem]
    stages: list[dict[str, Any]] = Field(
        description="The rules of its stages, with what was left out filled in."
    )


class EffectivePolicy(Answer):
    """What holds in a repo."""

    source: Literal["repo", "organisation", "none"]
    text: str | None
    digest: str | None = Field(
        description="sha256: of the one text that holds; of both digests, a line each, where an enforced policy of the "
        "organisation holds beside the repo's own."
    )
    problems: list[PolicyProblem] = Field(
        description="Of the text; while there is one nothing can be promoted."
    )
    stages: list[dict[str, Any]]
    organisation: PolicyText | None = Field(
        description="The organisation's policy, whether it holds here or not."
    )


class SentPolicyText(Sent):
    """A policy, in YAML."""

    text: SentPolicy


class PolicyProblems(Answer):
    """What is wrong with a policy; nothing where it would work."""

    problems: list[PolicyProblem]


class PolicyCheck(Answer):
    """One thing that a policy looks at."""

    code: str
    passed: bool
    message: str
    remedy: str = Field(description="What to do about it; empty where it passed.")


class PromotionPlan(Answer):
    """What a promotion would do, and what blocks it."""

    allowed: bool
    artifact: str
    stage: str
    version: str | None = Field(description="The version, also where it would be registered first.")
    commit: str
    previous: str | None = Field(description="The version that holds the stage now.")
    checks: list[PolicyCheck]
    warnings: list[str]
    policy_digest: str | None


class Review(Answer):
    """The last word of a reviewer."""

    user: str
    verdict: Literal["approve", "reject"]
    comment: str
    at: Moment


class PromotionRequest(Answer):
    """A request to promote a version."""

    repo: str
    number: int = Field(description="Within the repo.")
    artifact: str
    version: str
    commit: str
    stage: str
    state: Literal["open", "approved", "completed", "rejected", "withdrawn"]
    proposer: str
    message: str
    created_at: Moment
    closed_at: Moment | None
    policy_digest: str | None
    previous: str | None = Field(description="The version that held the stage when it was proposed.")
    reviews: list[Review]
    approvals_needed: int
    approvals: int = Field(description="Those that count now.")
    tag: str | None = Field(description="The tag that it led to.")
    reason: str | None = Field(description="Why it ended without one.")
    blocking: list[PolicyCheck] = Field(description="What would stop you if you promoted it now.")


class NewPromotionRequest(Sent):
    """What to promote where."""

    artifact: SentName
    stage: SentName
    version: SentName
    message: SentMessage | None = Field(None, description="Why; it becomes the message of the tag.")


class ReviewComment(Sent):
    """What there is to say."""

    comment: SentMessage | None = None


class NewCheck(Sent):
    """What a check says about a version."""

    verdict: Literal["passed", "failed", "pending"]
    summary: SentMessage = ""
    url: SentName | None = Field(None, description="Where to read more.")


class VersionCheck(Answer):
    """What a check says about a version."""

    artifact: str
    commit: str
    name: str
    verdict: Literal["passed", "failed", "pending"]
    summary: str
    url: str | None
    recorded_by: str
    recorded_at: Moment
