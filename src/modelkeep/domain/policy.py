"""A policy, as values: which stages there are, who may assign them, and what a version must show to enter one.

The text in ``.modelkeep/policy.yaml`` is read elsewhere; what it asks of a version is decided in
:mod:`modelkeep.domain.policy_checks`.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from modelkeep.domain.access import Role
from modelkeep.domain.names import fold

POLICY_FILE = ".modelkeep/policy.yaml"
"""Where a repo keeps its policy, on the default branch."""

GTO_FILE = ".gto"
"""Where GTO keeps the names of allowed stages."""


class OnSameContent(StrEnum):
    """What to do about a new version whose content an earlier one has."""

    ALLOW = "allow"
    WARN = "warn"
    REFUSE = "refuse"


class RollbackRule(StrEnum):
    """What a rollback has to show. All need the right to assign the stage.

    ``CHECKED``: everything but order and approvals, which the version had when it entered the stage before. ``FREE``:
    nothing more. ``FULL``: what any other assignment has to show.
    """

    CHECKED = "checked"
    FREE = "free"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Entitled:
    """Who may do something: those with a role (None: no role is enough) and users by name."""

    role: Role | None = None
    users: tuple[str, ...] = ()

    def allows(self, username: str | None, role: Role | None, least: Role = Role.READER) -> bool:
        """Whether somebody of this name and role is among them; ``least`` is the role that everybody needs."""
        if role is None or role < least:
            return False
        if self.role is not None and role >= self.role:
            return True
        return username is not None and fold(username) in {fold(user) for user in self.users}

    def __str__(self) -> str:
        """As it is said to people: ``maintainers, ana or bob``."""
        role = [f"{self.role.label}s"] if self.role is not None else []
        return listed([*role, *self.users], "or") or "nobody"


MAINTAINERS = Entitled(Role.MAINTAINER)


@dataclass(frozen=True, slots=True)
class MetricEvidence:
    """A metric within limits; ``file`` is where it stands, None for the artifact's annotation or the model card."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    file: str | None = None

    @property
    def limits(self) -> str:
        """As it is said to people: ``at least 0.9 and below 1``."""
        limits = (
            ("at least", self.at_least),
            ("above", self.above),
            ("at most", self.at_most),
            ("below", self.below),
        )
        return " and ".join(f"{word} {limit:g}" for word, limit in limits if limit is not None)

    def is_met_by(self, value: float) -> bool:
        """Whether a value is within the limits; what is no number is not."""
        return (
            value == value
            and (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )


@dataclass(frozen=True, slots=True)
class LabelEvidence:
    """A label of the artifact in ``artifacts.yaml`` or ``dvc.yaml`` at the version's commit."""

    label: str


@dataclass(frozen=True, slots=True)
class CardEvidence:
    """A complete model card, as :mod:`modelkeep.domain.model_card` has it."""


@dataclass(frozen=True, slots=True)
class CheckEvidence:
    """A check that passed, recorded by one of ``by``."""

    check: str
    by: Entitled = MAINTAINERS


Evidence: TypeAlias = MetricEvidence | LabelEvidence | CardEvidence | CheckEvidence


@dataclass(frozen=True, slots=True)
class StageRule:
    """What a policy says about one stage.

    Attributes:
        name: Of the stage.
        assign: Who may give it to a version and take it away.
        after: The stages before it; None for the one before in the policy, where that is ordered.
        branches: Patterns; the commit must be on a branch that one matches. Empty for any commit.
        approvals: How many.
        approvers: Whose approvals count.
        needs_signature: Whether the tag must carry a good signature.
        evidence: What the version must show.
        artifacts: Patterns of the artifacts that the rule speaks about.
        rollback: What a rollback must show.
    """

    name: str
    assign: Entitled = MAINTAINERS
    after: tuple[str, ...] | None = None
    branches: tuple[str, ...] = ()
    approvals: int = 0
    approvers: Entitled = MAINTAINERS
    needs_signature: bool = False
    evidence: tuple[Evidence, ...] = ()
    artifacts: tuple[str, ...] = ("*",)
    rollback: RollbackRule = RollbackRule.CHECKED

    def covers(self, artifact: str) -> bool:
        """Whether the rule speaks about this artifact."""
        return any(fnmatch.fnmatchcase(artifact, pattern) for pattern in self.artifacts)

    def covers_branch(self, branch: str) -> bool:
        """Whether a commit on this branch (by its short name) is where the rule wants it."""
        return any(fnmatch.fnmatchcase(branch, pattern) for pattern in self.branches)


@dataclass(frozen=True, slots=True)
class Policy:
    """What one text says.

    Attributes:
        stages: The rules in their order; empty where the policy says nothing about stages.
        is_ordered: Whether versions climb them one after another.
        is_immutable: Whether versions' tags can be neither moved nor deleted.
        on_same_content: What to do about a version whose content an earlier one has.
        is_enforced: An organisation's: whether it holds beside the repo's own.
    """

    stages: tuple[StageRule, ...] = ()
    is_ordered: bool = False
    is_immutable: bool = False
    on_same_content: OnSameContent = OnSameContent.WARN
    is_enforced: bool = False

    @property
    def names_stages(self) -> bool:
        """Whether it says which stages there are."""
        return bool(self.stages)

    def stage_names(self, artifact: str) -> tuple[str, ...]:
        """The stages that it allows for an artifact, in order."""
        return tuple(dict.fromkeys(rule.name for rule in self.stages if rule.covers(artifact)))

    def rule_for(self, artifact: str, stage: str) -> StageRule | None:
        """What it says about a stage of an artifact: the first rule that covers it."""
        return next((rule for rule in self.stages if rule.name == stage and rule.covers(artifact)), None)

    def stages_before(self, artifact: str, rule: StageRule) -> tuple[str, ...]:
        """The stages in each of which a version must be, or have been, to enter the rule's."""
        if rule.after is not None:
            return rule.after
        names = self.stage_names(artifact)
        place = names.index(rule.name) if rule.name in names else 0
        return names[place - 1 : place] if self.is_ordered and place else ()


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """What is wrong with a policy's text, and where: ``line`` and ``column`` count from 1."""

    line: int
    column: int
    reason: str

    def __str__(self) -> str:
        """As it is said to people."""
        return f"line {self.line}, column {self.column}: {self.reason}"


@dataclass(frozen=True, slots=True)
class PolicyText:
    """A policy as it was written: its bytes' digest, what it says (None where that is wrong) and what is wrong."""

    text: str
    policy: Policy | None
    problems: tuple[PolicyProblem, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """What holds in a repo.

    Attributes:
        own: The repo's own text, None without the file.
        organisation: Its organisation's text where there is one, whether it holds here or not.
        gto_stages: What ``.gto`` allows; it counts where no policy names stages.
        branch: Where the repo's own text stands.
    """

    own: PolicyText | None = None
    organisation: PolicyText | None = None
    gto_stages: tuple[str, ...] = ()
    branch: str = ""
    _texts: tuple[PolicyText, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        organisation = self.organisation
        holds = organisation is not None and (
            self.own is None or organisation.policy is None or organisation.policy.is_enforced
        )
        texts = [self.own, organisation if holds else None]
        object.__setattr__(self, "_texts", tuple(text for text in texts if text is not None))

    @property
    def texts(self) -> Sequence[PolicyText]:
        """The texts that hold here: the repo's own first."""
        return self._texts

    @property
    def source(self) -> str:
        """Where the first of them stands: ``repo``, ``organisation`` or ``none``."""
        return "none" if not self._texts else "repo" if self.own is not None else "organisation"

    @property
    def policies(self) -> Sequence[Policy]:
        """What they say; a text that cannot be read says nothing (see :attr:`broken`)."""
        return tuple(text.policy for text in self._texts if text.policy is not None)

    @property
    def broken(self) -> PolicyText | None:
        """A text that holds here and cannot be read."""
        return next((text for text in self._texts if text.policy is None), None)

    @property
    def digest(self) -> str | None:
        """``sha256:…`` of the one text that holds, or of both digests, a line each; None without any."""
        if len(self._texts) < 2:
            return self._texts[0].digest if self._texts else None
        return digest_of_text("".join(f"{text.digest}\n" for text in self._texts))

    @property
    def is_immutable(self) -> bool:
        """Whether versions' tags can be neither moved nor deleted."""
        return any(policy.is_immutable for policy in self.policies)

    @property
    def on_same_content(self) -> OnSameContent:
        """The strictest of what they say."""
        order = list(OnSameContent)
        return max((policy.on_same_content for policy in self.policies), key=order.index, default=order[0])

    def governs(self, artifact: str, stage: str) -> bool:
        """Whether some policy has a rule for this stage of this artifact."""
        return any(policy.rule_for(artifact, stage) is not None for policy in self.policies)

    def rules_for(self, artifact: str, stage: str) -> list[StageRule]:
        """Every rule for this stage of this artifact."""
        rules = (policy.rule_for(artifact, stage) for policy in self.policies)
        return [rule for rule in rules if rule is not None]

    def where(self, text: PolicyText) -> str:
        """Where one of the texts stands, for messages."""
        return f"{POLICY_FILE} on {self.branch}" if text is self.own else "the organisation's policy"


def digest_of_text(text: str) -> str:
    """``sha256:…`` of a text's UTF-8 bytes: for a policy file what ``sha256sum`` says of it."""
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    *most, end = words or [""]
    return f"{', '.join(most)} {last} {end}" if most else end
