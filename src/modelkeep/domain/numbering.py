"""Which number a new version gets: the one that was asked for, or the next."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.prereleases import next_prerelease, parse_prerelease, release
from modelkeep.domain.versions import Bump, SemVer, next_version

Step = Bump | Literal["release"]
"""What to raise; ``release`` ends a series of pre-releases."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """What was asked for: a version, or how to find the next one (all None: raise the patch).

    Attributes:
        version: This one.
        step: Which part to raise.
        prerelease: The label of a series to begin or to go on with.
    """

    version: SemVer | None = None
    step: Step | None = None
    prerelease: str | None = None

    @classmethod
    def parse(
        cls, version: str | None = None, step: Step | None = None, prerelease: str | None = None
    ) -> Numbering:
        """Checks what somebody asked for; the ``v`` of a version may be left out.

        Raises:
            InvalidInput: No possible version or label, or two of them that contradict each other.
        """
        if version is not None and (step is not None or prerelease is not None):
            raise InvalidInput(
                "Give either a version or how to find the next one (bump, prerelease), not both.",
                code="version_and_bump",
            )
        if step == "release" and prerelease is not None:
            raise InvalidInput(
                "A release ends a series of pre-releases; give either bump 'release' or prerelease, not both.",
                code="release_and_prerelease",
            )
        return cls(
            SemVer.parse_lenient(version) if version is not None else None,
            step,
            parse_prerelease(prerelease) if prerelease is not None else None,
        )

    def choose(self, latest: SemVer | None, known: Collection[SemVer]) -> SemVer:
        """The version.

        Args:
            latest: The greatest registered and active one.
            known: All that the artifact has had; a number that was deregistered is passed over.

        Raises:
            InvalidInput: There is nothing to bump, or nothing to release.
        """
        if self.version is not None:
            return self.version
        step = None if self.step == "release" else self.step
        if self.prerelease is not None:
            return next_prerelease(latest, step, self.prerelease, known)
        chosen = release(latest) if self.step == "release" else next_version(latest, step)
        while chosen in known:
            chosen = chosen.bumped("patch")
        return chosen
