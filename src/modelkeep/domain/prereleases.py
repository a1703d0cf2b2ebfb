"""Pre-releases: the next one of a series (``v1.3.0-rc.1``, ``-rc.2`` …), and the version that ends it.

GTO knows no series: it bumps past a pre-release. The series is asked for by a label; the parts that a bump raises are
those of Semantic Versioning, and what a pre-release has raised already is not raised again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.versions import FIRST, Bump, SemVer, next_version

_LABEL = re.compile(r"(?=[0-9-]*[A-Za-z])[0-9A-Za-z-]{1,32}", re.ASCII)
_MOST_IN_A_SERIES = 10**9


def parse_prerelease(text: str) -> str:
    """Checks the label of a series, such as ``rc`` or ``beta``.

    Raises:
        InvalidInput: Not 1 to 32 letters, digits or ``-`` with a letter among them.
    """
    if not _LABEL.fullmatch(text):
        raise InvalidInput(
            f"{text[:40]!r} cannot label a pre-release: use 1 to 32 letters, digits or '-', such as rc or beta.",
            code="invalid_prerelease",
        )
    return text


def next_prerelease(latest: SemVer | None, bump: Bump | None, label: str, known: Iterable[SemVer]) -> SemVer:
    """The next pre-release of a series.

    Args:
        latest: The greatest registered and active version, None for an artifact without any.
        bump: What the version raises that the series leads to; None for the patch. Where ``latest`` is a pre-release
            that raises as much already, the series goes on.
        label: Of the series, checked.
        known: Every version of the artifact, also those that were deregistered: no number is used again.

    Raises:
        InvalidInput: A bump was asked for while there is nothing to bump.
    """
    base = _base(latest, bump)
    numbers = [
        int(version.prerelease[1])
        for version in known
        if (version.major, version.minor, version.patch) == (base.major, base.minor, base.patch)
        and len(version.prerelease) == 2
        and version.prerelease[0] == label
        and version.prerelease[1].isdigit()
        and int(version.prerelease[1]) < _MOST_IN_A_SERIES
    ]
    return SemVer(base.major, base.minor, base.patch, (label, str(1 + max(numbers, default=0))))


def release(latest: SemVer | None) -> SemVer:
    """The version that ends a series: ``v1.1.0-rc.2`` becomes ``v1.1.0``.

    Raises:
        InvalidInput: The latest version is no pre-release.
    """
    if latest is None or not latest.prerelease:
        found = f"{latest} is the latest version" if latest else "nothing is registered yet"
        raise InvalidInput(
            f"There is no pre-release to finish: {found}. Register one with prerelease first, or bump another part.",
            code="nothing_to_release",
        )
    return SemVer(latest.major, latest.minor, latest.patch)


def _base(latest: SemVer | None, bump: Bump | None) -> SemVer:
    if latest is None:
        return next_version(latest, bump) if bump else FIRST
    if not latest.prerelease:
        return latest.bumped(bump or "patch")
    has_raised = {
        "patch": True,
        "minor": latest.patch == 0,
        "major": latest.minor == 0 and latest.patch == 0,
    }[bump or "patch"]
    return SemVer(latest.major, latest.minor, latest.patch) if has_raised else latest.bumped(bump or "patch")
