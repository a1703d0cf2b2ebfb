from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.prereleases import next_prerelease, parse_prerelease, release
from modelkeep.domain.versions import SemVer


@pytest.mark.parametrize(
    ("latest", "bump", "expected"),
    [
        (None, None, "v0.0.1-rc.1"),
        ("v1.2.3", None, "v1.2.4-rc.1"),
        ("v1.2.3", "minor", "v1.3.0-rc.1"),
        ("v1.2.3", "major", "v2.0.0-rc.1"),
        ("v1.3.0-rc.1", None, "v1.3.0-rc.2"),
        ("v1.3.0-rc.1", "patch", "v1.3.0-rc.2"),
        ("v1.3.0-rc.1", "minor", "v1.3.0-rc.2"),
        ("v1.3.0-rc.1", "major", "v2.0.0-rc.1"),
        ("v2.0.0-rc.9", "major", "v2.0.0-rc.10"),
        ("v1.2.4-rc.1", "minor", "v1.3.0-rc.1"),
        ("v1.3.0-alpha.4", None, "v1.3.0-rc.1"),
        ("v1.3.0-rc", None, "v1.3.0-rc.1"),
        ("v1.3.0-rc.x", None, "v1.3.0-rc.1"),
        ("v1.3.0-rc.2+build", None, "v1.3.0-rc.3"),
        ("v1.3.0-rc.99999999999999999999", None, "v1.3.0-rc.1"),
    ],
)
def test_the_next_of_a_series(latest: str | None, bump: str | None, expected: str) -> None:
    known = [SemVer.parse(latest)] if latest else []
    assert str(next_prerelease(known[0] if known else None, bump, "rc", known)) == expected  # type: ignore[arg-type]


def test_a_number_that_was_deregistered_is_not_used_again() -> None:
    known = [SemVer.parse(text) for text in ("v1.0.0", "v1.0.1-rc.1", "v1.0.1-rc.2", "v1.0.1-beta.7")]
    assert str(next_prerelease(known[0], None, "rc", known)) == "v1.0.1-rc.3"


def test_a_series_ends_in_its_version() -> None:
    assert str(release(SemVer.parse("v1.1.0-rc.2+b"))) == "v1.1.0"
    for latest in (None, SemVer.parse("v1.1.0")):
        with pytest.raises(InvalidInput) as caught:
            release(latest)
        assert caught.value.code == "nothing_to_release"


def test_nothing_cannot_be_bumped() -> None:
    with pytest.raises(InvalidInput) as caught:
        next_prerelease(None, "minor", "rc", [])
    assert caught.value.code == "nothing_to_bump"


@pytest.mark.parametrize("text", ["rc", "beta-2", "0a", "RC", "a" * 32])
def test_labels(text: str) -> None:
    assert parse_prerelease(text) == text


@pytest.mark.parametrize("text", ["", "1", "rc.1", "r c", "rç", "a" * 33, "-", "rc\n", "rc+b", "٢a"])
def test_what_is_no_label(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_prerelease(text)
    assert caught.value.code == "invalid_prerelease"


NUMBERS = st.integers(0, 3)
RELEASES = st.builds(SemVer, NUMBERS, NUMBERS, NUMBERS)
SERIES = st.builds(
    lambda version, label, number: SemVer(version.major, version.minor, version.patch, (label, str(number))),
    RELEASES,
    st.just("rc"),
    st.integers(1, 5),
)


@given(st.lists(RELEASES | SERIES, min_size=1), st.sampled_from([None, "patch", "minor", "major"]))
def test_the_next_is_greater_than_the_latest_and_new(known: list[SemVer], bump: str | None) -> None:
    latest = max(known)
    made = next_prerelease(latest, bump, "rc", known)  # type: ignore[arg-type]
    assert made > latest
    assert made not in known
    assert made < release(made)
