from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.versions import FIRST, SemVer, next_version

NUMBERS = st.integers(0, 12) | st.just(10**20)
WORDS = st.text("019aAz-", min_size=1, max_size=4).filter(lambda word: not word.isdigit())
IDENTIFIERS = st.integers(0, 11).map(str) | WORDS | st.just("123456789012")
BUILDS = st.sampled_from(["", "a", "b", "0.01", "A-b.5"])
VERSIONS = st.builds(SemVer, NUMBERS, NUMBERS, NUMBERS, st.lists(IDENTIFIERS, max_size=3).map(tuple), BUILDS)


def precedes(one: SemVer, other: SemVer) -> bool:
    """Whether ``one`` has the lower precedence: section 11 of the specification, line by line."""
    numbers, others = (one.major, one.minor, one.patch), (other.major, other.minor, other.patch)
    if numbers != others:  # 11.2
        return numbers < others
    if not one.prerelease or not other.prerelease:  # 11.3
        return bool(one.prerelease) and not other.prerelease
    for left, right in zip(one.prerelease, other.prerelease, strict=False):  # 11.4
        if left == right:
            continue
        if left.isdigit() and right.isdigit():
            return int(left) < int(right)
        if left.isdigit() or right.isdigit():
            return left.isdigit()
        return left.encode("ascii") < right.encode("ascii")
    return len(one.prerelease) < len(other.prerelease)


@given(VERSIONS, VERSIONS)
def test_the_sort_key_orders_as_the_specification_says(one: SemVer, other: SemVer) -> None:
    assert (one.sort_key < other.sort_key) == precedes(one, other)
    assert (one.sort_key.encode() < other.sort_key.encode()) == precedes(one, other), (
        "also byte by byte, as in SQL"
    )


@given(VERSIONS, VERSIONS)
def test_the_order_is_total_and_follows_precedence(one: SemVer, other: SemVer) -> None:
    assert (one < other) + (one > other) + (one == other) == 1
    if precedes(one, other):
        assert one < other
    if one == other:
        assert hash(one) == hash(other)


@given(VERSIONS)
def test_writing_and_reading_gives_the_same(version: SemVer) -> None:
    again = SemVer.parse(str(version))
    assert again == version
    assert str(again) == str(version)
    assert SemVer.parse_lenient(str(version)[1:]) == version


@pytest.mark.parametrize(
    "texts",
    [
        # The specification's own example, section 11.4.4.
        [f"v1.0.0{end}" for end in ("-alpha -alpha.1 -alpha.beta -beta -beta.2 -beta.11 -rc.1 ".split(" "))],
        "v0.9.0 v0.10.0 v0.10.1 v1.0.0 v2.0.0 v10.0.0 v99999999999.0.0".split(),
        "v1.0.0-1 v1.0.0-2 v1.0.0-10 v1.0.0-1a v1.0.0-A v1.0.0-a v1.0.0-a- v1.0.0-aa".split(),
    ],
)
def test_known_orders(texts: Sequence[str]) -> None:
    versions = [SemVer.parse(text) for text in texts]
    assert all(one < other for one, other in pairwise(versions))
    assert sorted(versions, key=lambda version: version.sort_key) == versions


def test_build_metadata_tells_versions_apart_but_not_their_precedence() -> None:
    one, other = SemVer.parse("v1.0.0+a"), SemVer.parse("v1.0.0+b")
    assert one != other
    assert one.sort_key == other.sort_key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v",
        "1.0.0",
        "V1.0.0",
        "v1",
        "v1.0",
        "v1.0.0.0",
        "v01.0.0",
        "v1.0.00",
        "v1.0.0-",
        "v1.0.0-01",
        "v1.0.0-a..b",
        "v1.0.0+",
        "v1.0.0+a+b",
        "v1.0.0 ",
        "v1.0.0\n",
        "v-1.0.0",
        "v1.1٢.0",
        "v1.0.0-ä",
        "v1.0.0-" + "a" * 125,
    ],
)
def test_what_is_no_version_is_refused(text: str) -> None:
    assert not SemVer.is_valid(text)
    with pytest.raises(InvalidInput) as caught:
        SemVer.parse(text)
    assert caught.value.code == "invalid_version"


@given(st.text(st.sampled_from("v0123.-+aZ٢ \n"), max_size=20))
def test_reading_anything_gives_a_version_or_a_refusal(text: str) -> None:
    if SemVer.is_valid(text):
        assert str(SemVer.parse(text)) == text
    else:
        with pytest.raises(InvalidInput):
            SemVer.parse(text)


@pytest.mark.parametrize(
    ("latest", "bump", "expected"),
    [
        (None, None, "v0.0.1"),
        ("v1.2.3", None, "v1.2.4"),
        ("v1.2.3", "patch", "v1.2.4"),
        ("v1.2.3", "minor", "v1.3.0"),
        ("v1.2.3", "major", "v2.0.0"),
        ("v1.1.0-alpha+b", None, "v1.1.1"),  # as gto: a pre-release is not finished by a bump
    ],
)
def test_the_next_version_is_the_one_gto_takes(latest: str | None, bump: str | None, expected: str) -> None:
    known = SemVer.parse(latest) if latest else None
    assert str(next_version(known, bump)) == expected  # type: ignore[arg-type]


def test_nothing_cannot_be_bumped() -> None:
    with pytest.raises(InvalidInput) as caught:
        next_version(None, "major")
    assert caught.value.code == "nothing_to_bump"
    assert str(FIRST) == "v0.0.1"


@given(VERSIONS)
def test_a_bump_goes_up(version: SemVer) -> None:
    for part in ("major", "minor", "patch"):
        bumped = version.bumped(part)
        assert version < bumped
        assert not bumped.prerelease
        assert not bumped.build
