"""The digest of refs: the order does not count, every single ref does."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.digest import EMPTY, digest_of, moved, ref_hash

_TARGETS = st.text("0123456789abcdef", min_size=40, max_size=40)
_REFS = st.dictionaries(st.text(min_size=1, max_size=5), _TARGETS, max_size=8)


def test_a_single_ref() -> None:
    expected = hashlib.blake2b(b"refs/heads/main\0" + b"a" * 40, digest_size=32).digest()
    assert (
        digest_of([("refs/heads/main", "a" * 40)])
        == expected
        == ref_hash("refs/heads/main", "a" * 40).to_bytes(32, "big")
    )
    assert digest_of([]) == EMPTY == bytes(32)


@given(_REFS, st.randoms(use_true_random=False))
def test_the_order_does_not_count(refs: dict[str, str], random: object) -> None:
    shuffled = list(refs.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert digest_of(shuffled) == digest_of(refs.items())


@given(_REFS, _REFS)
def test_changes_can_be_followed_in_either_direction(before: dict[str, str], after: dict[str, str]) -> None:
    there = moved(digest_of(before.items()), removed=before.items(), added=after.items())
    assert there == digest_of(after.items())
    assert moved(there, removed=after.items(), added=before.items()) == digest_of(before.items())


@given(_REFS, _REFS)
def test_other_refs_have_another_digest(one: dict[str, str], other: dict[str, str]) -> None:
    assert (digest_of(one.items()) == digest_of(other.items())) == (one == other)


def test_names_that_are_not_utf8_have_a_digest() -> None:
    assert digest_of([("refs/heads/\udcff", "a" * 40)]) != EMPTY
