"""What the gate is asked and what it answers: proposed ref updates, what was learnt from them, refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelkeep.domain.errors import ModelkeepError
from modelkeep.domain.lfs import Oid
from modelkeep.domain.objects import NewBlob, RefUpdate


@dataclass(frozen=True, slots=True)
class Incoming:
    """What is proposed: ref updates, and where their new objects lie until they are accepted.

    ``quarantine`` is the object directory of a push that has not been accepted yet; None where the objects are in the
    repository already and ``blobs`` names the new ones. ``is_by_hub`` says that the hub itself made them;
    ``rewrites`` that a maintainer has asked for a history without what it had: the rule that every default branch
    begins with does not stand in the way, those that somebody made do.
    """

    updates: Sequence[RefUpdate]
    quarantine: Path | None = None
    blobs: Sequence[NewBlob] = ()
    is_by_hub: bool = False
    rewrites: bool = False


@dataclass(frozen=True, slots=True)
class Passed:
    """What the gate found out on the way.

    ``pointers`` are the LFS objects that the new pointers name, to be linked to the repo; ``warnings`` are for whoever
    proposed the updates.
    """

    pointers: tuple[tuple[Oid, int], ...]
    warnings: tuple[str, ...] = ()


class Refused(Exception):
    """The gate's answer: every reason, none of the updates goes through."""

    def __init__(self, reasons: Sequence[ModelkeepError]) -> None:
        super().__init__("; ".join(reason.message for reason in reasons))
        self.reasons = tuple(reasons)

    def as_error(self) -> ModelkeepError:
        """All reasons as one error: the first one's kind and code, everybody's message."""
        first, *others = self.reasons
        if not others:
            return first
        reasons = [{"code": reason.code, "message": reason.message} for reason in self.reasons]
        message = "\n".join(reason.message for reason in self.reasons)
        return type(first)(message, code=first.code, **{**first.fields, "reasons": reasons})
