from __future__ import annotations

from datetime import UTC, datetime

import pytest

from modelkeep.domain.access import Role, Visibility
from modelkeep.domain.repos import Protection, Repo, RepoKind


@pytest.mark.parametrize(
    ("pattern", "name", "covered"),
    [
        ("main", "main", True),
        ("main", "Main", False),
        ("main", "main2", False),
        ("release/*", "release/1.0", True),
        ("release/*", "release/1/x", True),
        ("release/*", "release", False),
        ("*", "anything/at/all", True),
        ("v?", "v1", True),
        ("v[0-9]", "v1", True),
        ("v[0-9]", "vx", False),
        ("[m]ain", "main", True),
        ("[*]", "*", True),
        ("[*]", "x", False),
    ],
)
def test_a_pattern_covers_refs(pattern: str, name: str, covered: bool) -> None:
    assert Protection(1, False, pattern, Role.MAINTAINER).covers(False, name) is covered


def test_a_rule_for_branches_says_nothing_about_tags() -> None:
    branches, tags = Protection(1, False, "*", Role.OWNER), Protection(2, True, "*", Role.OWNER)
    assert branches.covers(False, "x")
    assert not branches.covers(True, "x")
    assert tags.covers(True, "x")
    assert not tags.covers(False, "x")


def test_a_rule_allows_nothing_unless_it_says_so() -> None:
    rule = Protection(1, False, "main", Role.MAINTAINER)
    assert not rule.allows_force
    assert not rule.allows_delete


def test_a_repo_is_known_by_its_full_name() -> None:
    now = datetime(2026, 1, 5, tzinfo=UTC)
    repo = Repo(
        "0" * 32, 1, "Acme", "Churn", RepoKind.MODEL, "", Visibility.PRIVATE, "main", (), None, now, now, None
    )
    assert str(repo.full_name) == "Acme/Churn"
    assert repo.full_name.folded == "acme/churn"
