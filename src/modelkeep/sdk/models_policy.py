"""What the hub answers about policies and promotion requests, as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelkeep.sdk.wire import Record


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """What is wrong in a policy, and where."""

    line: int | None
    column: int | None
    reason: str

    @classmethod
    def read(cls, record: Record) -> PolicyProblem:
        """Reads it from an answer."""
        return cls(
            record.optional_integer("line"), record.optional_integer("column"), record.text("reason", "")
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy that holds.

    Attributes:
        source: ``repo``, ``organisation`` or ``none``.
        text: As it was written; empty without one.
        digest: Names exactly this policy.
        problems: What is wrong with it; empty for one that works.
        stages: What it says about each stage, as the hub read it.
        organisation: The organisation's, whether it holds for the repo or not.
    """

    source: str
    text: str
    digest: str
    problems: tuple[PolicyProblem, ...] = ()
    stages: tuple[dict[str, object], ...] = ()
    organisation: Policy | None = None

    @classmethod
    def read(cls, record: Record) -> Policy:
        """Reads it from an answer."""
        organisation = record.optional_record("organisation")
        return cls(
            source=record.text("source", ""),
            text=record.text("text", ""),
            digest=record.text("digest", ""),
            problems=tuple(map(PolicyProblem.read, record.records("problems"))),
            stages=tuple(dict(one.fields) for one in record.records("stages")),
            organisation=Policy.read(organisation) if organisation else None,
        )


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of a promotion, whether it is met, and what to do where it is not."""

    code: str
    passed: bool
    message: str
    remedy: str

    @classmethod
    def read(cls, record: Record) -> Check:
        """Reads it from an answer."""
        return cls(
            code=record.text("code", ""),
            passed=record.boolean("passed"),
            message=record.text("message", ""),
            remedy=record.text("remedy", ""),
        )


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a promotion would do, and what blocks it."""

    allowed: bool
    artifact: str
    stage: str
    version: str | None
    commit: str
    previous: str | None
    checks: tuple[Check, ...] = ()
    warnings: tuple[str, ...] = ()
    policy_digest: str = ""

    @classmethod
    def read(cls, record: Record) -> DryRun:
        """Reads it from an answer."""
        return cls(
            allowed=record.boolean("allowed"),
            artifact=record.text("artifact"),
            stage=record.text("stage"),
            version=record.optional_text("version"),
            commit=record.text("commit", ""),
            previous=record.optional_text("previous"),
            checks=tuple(map(Check.read, record.records("checks"))),
            warnings=record.texts("warnings"),
            policy_digest=record.text("policy_digest", ""),
        )


@dataclass(frozen=True, slots=True)
class Review:
    """What somebody said to a promotion request; ``verdict`` is approve or reject."""

    user: str
    verdict: str
    comment: str
    at: datetime | None

    @classmethod
    def read(cls, record: Record) -> Review:
        """Reads it from an answer."""
        return cls(
            user=record.text("user", ""),
            verdict=record.text("verdict", ""),
            comment=record.text("comment", ""),
            at=record.optional_time("at"),
        )


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """A proposal that a version gets a stage.

    Attributes:
        number: Within the repo.
        state: ``open``, ``approved``, ``completed``, ``rejected`` or ``withdrawn``.
        reviews: What has been said, in order.
        approvals: How many count so far, of ``approvals_needed``.
        tag: The assignment that completed it.
        reason: Why it was withdrawn or rejected, where somebody said.
        blocking: The checks that are not met now.
    """

    number: int
    repo: str
    artifact: str
    version: str
    commit: str
    stage: str
    state: str
    proposer: str
    message: str
    created_at: datetime | None
    policy_digest: str
    previous: str | None
    reviews: tuple[Review, ...]
    approvals_needed: int
    approvals: int
    tag: str | None
    reason: str | None
    blocking: tuple[Check, ...]
    closed_at: datetime | None = None

    @classmethod
    def read(cls, record: Record, repo: str = "") -> PromotionRequest:
        """Reads it from an answer."""
        return cls(
            number=record.integer("number"),
            repo=record.text("repo", repo),
            artifact=record.text("artifact"),
            version=record.text("version", ""),
            commit=record.text("commit", ""),
            stage=record.text("stage"),
            state=record.text("state"),
            proposer=record.text("proposer", ""),
            message=record.text("message", ""),
            created_at=record.optional_time("created_at"),
            policy_digest=record.text("policy_digest", ""),
            previous=record.optional_text("previous"),
            reviews=tuple(map(Review.read, record.records("reviews"))),
            approvals_needed=record.optional_integer("approvals_needed") or 0,
            approvals=record.optional_integer("approvals") or 0,
            tag=record.optional_text("tag"),
            reason=record.optional_text("reason"),
            blocking=tuple(map(Check.read, record.records("blocking"))),
            closed_at=record.optional_time("closed_at"),
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """A verdict about a version that was found elsewhere, such as a scanner's: passed, failed or pending."""

    name: str
    verdict: str
    summary: str
    url: str
    recorded_by: str
    recorded_at: datetime | None

    @classmethod
    def read(cls, record: Record) -> Evidence:
        """Reads it from an answer."""
        return cls(
            name=record.text("name", ""),
            verdict=record.text("verdict", ""),
            summary=record.text("summary", ""),
            url=record.text("url", ""),
            recorded_by=record.text("recorded_by", ""),
            recorded_at=record.optional_time("recorded_at"),
        )
