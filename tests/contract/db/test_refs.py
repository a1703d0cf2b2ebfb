"""The index of refs: it follows single changes and says the same as when it is made anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelkeep.db import accounts, refs, repos
from modelkeep.db.engine import Database, open_database
from modelkeep.db.transaction import Transaction
from modelkeep.domain.digest import EMPTY, digest_of
from modelkeep.domain.errors import InvalidInput, NotFound
from modelkeep.domain.objects import Ref
from modelkeep.domain.paging import PageRequest, decode_cursor
from modelkeep.domain.repos import Repo
from tests.contract.db.conftest import NOW
from tests.contract.db.world import World, repo_id

MAIN = Ref("refs/heads/main", "a" * 40, "a" * 40)
TAG = Ref("refs/tags/v1", "b" * 40, "a" * 40)
TREE = Ref("refs/tags/tree", "c" * 40, None)


@pytest.fixture
def repo(world: World) -> Repo:
    return world.repo(world.user("ada"), "churn")


def _all(tx: Transaction, repo: Repo, prefix: str = "", query: str | None = None) -> list[Ref]:
    return list(refs.list_refs(tx, repo.id, prefix, PageRequest(100), query).items)


def _digest(found: list[Ref]) -> bytes:
    return digest_of((ref.name, ref.target) for ref in found)


def test_refs_come_and_go(tx: Transaction, repo: Repo) -> None:
    assert refs.refs_digest(tx, repo.id) == EMPTY
    assert refs.apply(tx, repo.id, [MAIN, TAG, TREE], []) == _digest([MAIN, TAG, TREE])
    assert _all(tx, repo) == [MAIN, TREE, TAG]
    moved = Ref(MAIN.name, "d" * 40, "d" * 40)
    digest = refs.apply(tx, repo.id, [moved], [TAG.name, "refs/tags/never-was"])
    assert digest == refs.refs_digest(tx, repo.id) == _digest([moved, TREE])
    assert refs.ref_by_name(tx, repo.id, MAIN.name) == moved
    assert refs.ref_by_name(tx, repo.id, TREE.name) == TREE
    assert refs.ref_by_name(tx, repo.id, TAG.name) is None
    assert refs.apply(tx, repo.id, [moved], [TAG.name]) == digest
    assert repos.all_repo_ids(tx) == [(repo.id, digest)]


def test_an_index_made_anew_is_the_same(tx: Transaction, repo: Repo) -> None:
    refs.apply(tx, repo.id, [MAIN, TAG], [])
    refs.replace_all(tx, repo.id, [TAG, TREE], _digest([TAG, TREE]))
    assert _all(tx, repo) == [TREE, TAG]
    assert refs.refs_digest(tx, repo.id) == _digest([TAG, TREE])
    refs.replace_all(tx, repo.id, [], EMPTY)
    assert _all(tx, repo) == []


def test_a_missing_repo(tx: Transaction) -> None:
    for change in (
        lambda: refs.apply(tx, repo_id(99), [MAIN], []),
        lambda: refs.replace_all(tx, repo_id(99), [MAIN], EMPTY),
        lambda: refs.lock_repo(tx, repo_id(99)),
        lambda: refs.refs_digest(tx, repo_id(99)),
    ):
        with pytest.raises(NotFound):
            change()


def test_lists(tx: Transaction, repo: Repo) -> None:
    names = [
        "refs/heads/Feature",
        "refs/heads/main",
        "refs/heads/é\u200b",
        "refs/headsx",
        "refs/tags/Main#1",
        "refs/tags/z",
    ]
    refs.apply(tx, repo.id, [Ref(name, "a" * 40, "a" * 40) for name in names], [])
    assert [ref.name for ref in _all(tx, repo)] == names
    assert [ref.name for ref in _all(tx, repo, "refs/heads/")] == names[:3]
    assert [ref.name for ref in _all(tx, repo, query="MAIN")] == [names[1], names[4]]
    assert [ref.name for ref in _all(tx, repo, "refs/tags/", "main")] == [names[4]]
    assert _all(tx, repo, "refs/heads/", "heads") == []
    assert _all(tx, repo, query="%") == []
    found: list[str] = []
    cursor: str | None = None
    while True:
        after = decode_cursor(cursor) if cursor else None
        page = refs.list_refs(tx, repo.id, "refs/heads/", PageRequest(1, after))
        found += [ref.name for ref in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == names[:3]
    with pytest.raises(InvalidInput):
        refs.list_refs(tx, repo.id, "", PageRequest(1, (1,)))


def test_more_refs_than_one_statement_carries(tx: Transaction, repo: Repo) -> None:
    many = [Ref(f"refs/tags/{number:05}", f"{number:040x}", None) for number in range(2500)]
    refs.apply(tx, repo.id, many, [])
    assert refs.apply(tx, repo.id, many[:1200], [ref.name for ref in many[1200:]]) == _digest(many[:1200])


_NAMES = st.sampled_from([f"refs/heads/{letter}" for letter in "abcdef"])
_CHANGES = st.lists(
    st.tuples(
        st.dictionaries(_NAMES, st.text("0123456789abcdef", min_size=40, max_size=40)), st.lists(_NAMES)
    ),
    max_size=6,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database for all examples; each takes its repo away."""
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('refs') / 'hub.db'}")
    database.migrate()
    with database.write() as tx:
        World(tx, NOW).user("ada")
    yield database
    database.close()


@settings(max_examples=60, deadline=None)
@given(_CHANGES)
def test_the_digest_followed_is_the_digest_counted(
    shared: Database, changes: list[tuple[dict[str, str], list[str]]]
) -> None:
    with shared.write() as tx:
        ada = accounts.user_by_name(tx, "ada")
        assert ada is not None
        repo = World(tx, NOW).repo(ada, "churn")
        expected: dict[str, str] = {}
        for changed, removed in changes:
            gone = [name for name in removed if name not in changed]
            refs.apply(tx, repo.id, [Ref(name, to, None) for name, to in changed.items()], gone)
            expected = {name: to for name, to in expected.items() if name not in gone} | changed
            assert refs.refs_digest(tx, repo.id) == digest_of(expected.items())
            assert {ref.name: ref.target for ref in _all(tx, repo)} == expected
        repos.purge_repo(tx, repo.id)
