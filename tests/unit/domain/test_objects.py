from __future__ import annotations

from datetime import UTC, datetime

import pytest

from modelkeep.domain.objects import ZERO_ID, Commit, Ref, RefUpdate, Signature

ID = "a" * 40


@pytest.mark.parametrize(
    ("name", "short", "is_branch", "is_tag"),
    [
        ("refs/heads/main", "main", True, False),
        ("refs/heads/refs/tags/x", "refs/tags/x", True, False),
        ("refs/tags/churn#prod#1", "churn#prod#1", False, True),
        ("refs/heads", "refs/heads", False, False),
        ("refs/notes/x", "refs/notes/x", False, False),
        ("HEAD", "HEAD", False, False),
    ],
)
def test_a_ref_knows_what_it_is(name: str, short: str, is_branch: bool, is_tag: bool) -> None:
    ref = Ref(name, ID, ID)
    assert (ref.short_name, ref.is_branch, ref.is_tag) == (short, is_branch, is_tag)


@pytest.mark.parametrize(
    ("old", "new", "is_create", "is_delete"),
    [(ZERO_ID, ID, True, False), (ID, ZERO_ID, False, True), (ID, "b" * 40, False, False)],
)
def test_an_update_creates_deletes_or_moves(old: str, new: str, is_create: bool, is_delete: bool) -> None:
    update = RefUpdate("refs/heads/main", old, new)
    assert (update.is_create, update.is_delete) == (is_create, is_delete)


@pytest.mark.parametrize(
    ("message", "subject"), [("One\n\nTwo\n", "One"), ("One", "One"), ("", ""), ("\nTwo", "")]
)
def test_the_subject_is_the_first_line(message: str, subject: str) -> None:
    by = Signature("Ann", "ann@example.com", datetime(2026, 1, 5, tzinfo=UTC))
    assert Commit(ID, ID, (), by, by, message).subject == subject
