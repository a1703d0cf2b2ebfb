"""Semantic versions: parse, order, bump.

Source: Semantic Versioning 2.0.0, sections 2, 9, 10 and 11. Modelkeep writes them with a leading ``v``, as GTO does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache, total_ordering
from typing import Literal

from modelkeep.domain.errors import InvalidInput

_NUMBER = r"0|[1-9][0-9]*"
_IDENTIFIER = rf"(?:{_NUMBER}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
PATTERN = (
    rf"v(?:{_NUMBER})\.(?:{_NUMBER})\.(?:{_NUMBER})"
    rf"(?:-{_IDENTIFIER}(?:\.{_IDENTIFIER})*)?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
"""A version with its ``v``, as a regular expression without groups."""

_PARTS = re.compile(
    rf"v(?P<major>{_NUMBER})\.(?P<minor>{_NUMBER})\.(?P<patch>{_NUMBER})"
    rf"(?:-(?P<pre>{_IDENTIFIER}(?:\.{_IDENTIFIER})*))?(?:\+(?P<build>[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?",
    re.ASCII,
)
_MAX_LENGTH = 128

Bump = Literal["major", "minor", "patch"]


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class SemVer:
    """A semantic version. Two that differ only in build metadata have the same precedence but are not equal."""

    major: int
    minor: int
    patch: int
    prerelease: tuple[str, ...] = ()
    build: str = ""

    @classmethod
    def parse(cls, text: str) -> SemVer:
        """Reads ``v1.2.3``, ``v1.2.3-rc.1+build.5``.

        Raises:
            InvalidInput: No semantic version, no leading ``v``, or over 128 characters.
        """
        found = cls.parse_or_none(text)
        if found is None:
            raise InvalidInput(
                f"{text[:80]!r} is not a version; write a semantic version with a 'v' in front, such as v1.2.3 or "
                "v2.0.0-rc.1.",
                code="invalid_version",
            )
        return found

    @classmethod
    def parse_or_none(cls, text: str) -> SemVer | None:
        """Like :meth:`parse`, None for what is no version."""
        match = _PARTS.fullmatch(text) if len(text) <= _MAX_LENGTH else None
        if match is None:
            return None
        major, minor, patch, pre, build = match.groups()
        return cls(int(major), int(minor), int(patch), tuple(pre.split(".")) if pre else (), build or "")

    @classmethod
    def parse_lenient(cls, text: str) -> SemVer:
        """Like :meth:`parse`, but the ``v`` may be missing, as people type it."""
        return cls.parse(text if text.startswith("v") else f"v{text}")

    @staticmethod
    def is_valid(text: str) -> bool:
        """Whether :meth:`parse` reads it."""
        return len(text) <= _MAX_LENGTH and _PARTS.fullmatch(text) is not None

    def bumped(self, part: Bump) -> SemVer:
        """The next version, by GTO's rule.

        The part grows by one, smaller ones start at zero, pre-release and build are dropped. A pre-release is not
        finished by it: ``v1.1.0-rc.1`` with ``patch`` gives ``v1.1.1``.
        """
        if part == "major":
            return SemVer(self.major + 1, 0, 0)
        if part == "minor":
            return SemVer(self.major, self.minor + 1, 0)
        return SemVer(self.major, self.minor, self.patch + 1)

    @property
    def sort_key(self) -> str:
        """Text whose plain order is the precedence (for an index in SQL). Build metadata does not count."""
        numbers = "".join(_ordered_number(n) for n in (self.major, self.minor, self.patch))
        if not self.prerelease:
            return f"{numbers}~"
        parts = (f"!{_ordered_number(int(p))}" if p.isdigit() else f"#{p}" for p in self.prerelease)
        # ' ' sorts before '!' and '#' and before every character of an identifier, so fewer fields come first.
        return f"{numbers}-" + "".join(f"{part} " for part in parts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SemVer):
            return NotImplemented
        return self.sort_key == other.sort_key and self.build == other.build

    def __lt__(self, other: SemVer) -> bool:
        return (self.sort_key, self.build) < (other.sort_key, other.build)

    def __hash__(self) -> int:
        return hash((self.sort_key, self.build))

    def __str__(self) -> str:
        pre = "-" + ".".join(self.prerelease) if self.prerelease else ""
        build = f"+{self.build}" if self.build else ""
        return f"v{self.major}.{self.minor}.{self.patch}{pre}{build}"


@lru_cache(maxsize=4096)
def sort_key_of(text: str) -> str | None:
    """The sort key of a version, None for what is none; remembered, because many artifacts use the same versions."""
    version = SemVer.parse_or_none(text)
    return version.sort_key if version is not None else None


FIRST = SemVer(0, 0, 1)
"""What the first registration without a version gets, as with GTO."""


def next_version(latest: SemVer | None, bump: Bump | None) -> SemVer:
    """The version that a registration without an explicit one gets.

    Args:
        latest: The greatest registered and active version, None for an artifact without any.
        bump: The part to raise; None means ``patch``.

    Raises:
        InvalidInput: A bump was asked for while there is nothing to bump.
    """
    if latest is None:
        if bump is not None:
            raise InvalidInput(
                "There is no version to bump yet; register the first one without --bump, or name it with --version.",
                code="nothing_to_bump",
            )
        return FIRST
    return latest.bumped(bump or "patch")


def _ordered_number(number: int) -> str:
    digits = str(number)
    return f"{len(digits):03d}{digits}"
