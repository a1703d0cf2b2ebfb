"""Imports from a second hub over real HTTP; the engine's part is played by the test, with a clock that it moves."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from modelkeep.blobs.store import BlobStore
from modelkeep.db import imports
from modelkeep.db.engine import open_database
from modelkeep.domain.access import Actor, Role, Visibility
from modelkeep.domain.errors import (
    AlreadyExists,
    Conflict,
    InvalidInput,
    ModelkeepError,
    NotFound,
    NotPermitted,
    Unauthenticated,
)
from modelkeep.domain.imports import Import, ImportState
from modelkeep.domain.objects import Commit
from modelkeep.domain.paging import PageRequest
from modelkeep.domain.repos import Repo
from modelkeep.domain.trailers import trailer
from modelkeep.git.repositories import Repositories
from modelkeep.identity.signing import Signer
from modelkeep.outbound.addresses import Guard
from modelkeep.outbound.hub_client import HubClient
from modelkeep.server.wiring import Hub, build_hub
from modelkeep.services.accounts import local_administrator
from modelkeep.services.commits import AddFile
from modelkeep.services.imports import ImportOfRepo
from modelkeep.services.ports import Rules, Stores
from modelkeep.services.pushes import Transport
from tests.support.hub import Hub as RunningHub
from tests.support.proxy import CuttingProxy
from tests.support.sources import commit_files, tree_of

LOCAL = local_administrator("test")
WEIGHTS = random.Random(1).randbytes(3_000_000)
MORE = random.Random(2).randbytes(200_000)


@dataclass
class Origin:
    """A repo of the hub that is imported from."""

    hub: RunningHub
    repo: Repo
    actor: Actor
    token: str

    @property
    def name(self) -> str:
        return str(self.repo.full_name)

    def put(self, files: dict[str, bytes], objects: dict[str, bytes] | None = None, *delete: str) -> str:
        return commit_files(self.hub.services, self.hub.stores, self.actor, self.repo, files, objects, delete)

    def tree(self, commit: str) -> list[tuple[str, str, str | None]]:
        return tree_of(self.hub.stores, self.repo.id, commit)

    def downloads(self) -> list[str]:
        """Paths of the files that were asked for so far."""
        return [entry["path"] for entry in self.hub.requests_about("GET", f"{self.name}/resolve/")]


@dataclass
class World:
    """A hub that imports, with a clock that stands still."""

    hub: Hub
    stores: Stores
    alice: Actor
    origin: Origin
    clock: list[datetime] = field(default_factory=list)

    def wait(self, **time: float) -> None:
        self.clock[0] += timedelta(**time)

    def ask(self, actor: Actor | None = None, **options: Any) -> ImportOfRepo:
        given = {"endpoint": self.origin.hub.url, "token": self.origin.token, **options}
        source = given.pop("source", self.origin.name)
        return self.hub.imports.create(actor or self.alice, source, **given)[0]

    def run_jobs(self) -> list[int]:
        """Does what the engine would do now; gives the imports that had a job."""
        ready = list(self.hub.imports.due())
        for import_id in ready:
            self.hub.imports.job_made(import_id)
            self.hub.import_runs.run(import_id)
        return ready

    def get(self, import_id: int) -> Import:
        return self.hub.imports.get(self.alice, import_id).value

    def commits(self, repo: Repo) -> list[Commit]:
        return list(
            self.hub.contents.commits(self.alice, repo.place, repo.name, None, None, PageRequest()).items
        )

    def tree(self, repo: Repo) -> list[tuple[str, str, str | None]]:
        return tree_of(self.stores, repo.id, self.commits(repo)[0].id)


def opened(stores: Stores, folder: Path, **rules: Any) -> Hub:
    chosen = Rules(import_pauses=(0.01, 0.01), **rules)
    client = HubClient(Guard(["127.0.0.0/8"]), idle_seconds=20)
    return build_hub(stores, chosen, Transport(folder / "hooks"), hub_client=client)


@pytest.fixture
def world(tmp_path: Path, hub: RunningHub) -> Iterator[World]:
    clock = [datetime.now(UTC)]
    database = open_database(f"sqlite:///{tmp_path / 'hub.db'}")
    database.migrate()
    stores = Stores(
        database,
        Repositories(tmp_path / "repos"),
        BlobStore.open(tmp_path / "blobs"),
        Signer(b"k" * 32),
        now=lambda: clock[0],
    )
    services = opened(stores, tmp_path)
    services.accounts.create(LOCAL, name="alice", password=None)
    services.organisations.create(LOCAL, "acme", members=[("alice", Role.OWNER)])
    _, secret = services.tokens.create(
        LOCAL, user="alice", name="t", scopes=frozenset(LOCAL.scopes), limits=(), expires_at=None
    )
    alice = services.authentication.by_token(secret, "", "test")
    user = hub.user("origin")
    known = hub.repo((user, Role.OWNER))
    repo = hub.services.repos.get(hub.local, known.namespace, known.name).repo
    origin = Origin(hub, repo, hub.actor(user.token), user.token)
    origin.put({"config.json": b'{"layers": 2}', "docs/notes.md": b"one\n"}, {"model.safetensors": WEIGHTS})
    yield World(services, stores, alice, origin, clock)
    database.close()


def test_an_import_is_one_commit_with_the_same_tree_and_names_its_origin(world: World) -> None:
    commit = world.origin.put({"extra.txt": b"x"})
    asked = world.ask(target="acme/copy", visibility=Visibility.SHARED)
    assert asked.value.state is ImportState.QUEUED
    assert asked.value.wanted_commit == commit
    assert asked.repo.visibility is Visibility.SHARED
    assert world.run_jobs() == [asked.value.id]
    done = world.get(asked.value.id)
    assert (done.state, done.error, done.imported_commit) == (ImportState.DONE, None, commit)
    (made,) = world.commits(asked.repo)
    assert done.result_commit == made.id
    assert world.tree(asked.repo) == world.origin.tree(commit)
    assert trailer(made.message, "Origin-Endpoint") == world.origin.hub.url
    assert trailer(made.message, "Origin-Repo") == world.origin.name
    assert trailer(made.message, "Origin-Commit") == commit
    assert made.author.name == "alice"
    assert (
        done.progress.files_done
        == done.progress.files_total
        == len([1 for _, _, oid in world.tree(asked.repo)]) - 1
    )
    assert done.progress.bytes_done == done.progress.bytes_total > len(WEIGHTS)
    assert world.run_jobs() == []
    assert world.hub.imports.list(world.alice, PageRequest(), repo=("acme", "copy")).items[0].value == done


def test_nothing_is_fetched_twice_and_no_commit_is_made_where_nothing_changed(world: World) -> None:
    asked = world.ask(target="acme/copy", every=3600)
    world.run_jobs()
    first = world.origin.downloads()
    assert first
    world.wait(minutes=59)
    assert world.run_jobs() == []
    world.wait(minutes=2)
    assert world.run_jobs() == [asked.value.id]
    assert len(world.commits(asked.repo)) == 1
    assert world.origin.downloads() == first
    commit = world.origin.put({"docs/notes.md": b"two\n"}, {"more.bin": MORE}, "config.json")
    world.hub.commits.commit(world.alice, "acme", "copy", [AddFile("own.txt", b"ours")], "Ours")
    world.wait(minutes=61)
    world.run_jobs()
    done = world.get(asked.value.id)
    assert (done.error, done.imported_commit) == (None, commit)
    fetched = [path.rpartition(f"{commit}/")[2] for path in world.origin.downloads()[len(first) :]]
    assert sorted(fetched) == ["docs/notes.md", "more.bin"]
    here = {path: (oid, lfs) for path, oid, lfs in world.tree(asked.repo)}
    assert here.pop("own.txt")
    assert here == {path: (oid, lfs) for path, oid, lfs in world.origin.tree(commit)}
    assert [one.subject.split()[0] for one in world.commits(asked.repo)] == ["Import", "Ours", "Import"]


def test_what_was_changed_here_alone_stays_and_the_source_wins_where_both_changed(world: World) -> None:
    asked = world.ask(target="acme/copy")
    world.run_jobs()
    ours = [AddFile("config.json", b"ours"), AddFile("docs/notes.md", b"ours")]
    world.hub.commits.commit(world.alice, "acme", "copy", ours, "Ours")
    world.origin.put({"docs/notes.md": b"theirs"})
    world.hub.imports.sync(world.alice, asked.value.id)
    world.run_jobs()
    read = {path: oid for path, oid, _ in world.tree(asked.repo)}
    there = {path: oid for path, oid, _ in world.origin.tree(world.get(asked.value.id).imported_commit or "")}
    assert read["docs/notes.md"] == there["docs/notes.md"]
    assert read["config.json"] != there["config.json"]


def test_a_dropped_connection_is_no_end(world: World) -> None:
    with CuttingProxy(int(world.origin.hub.url.rsplit(":", 1)[1]), cuts_answers=True) as proxy:
        asked = world.ask(target="acme/copy", endpoint=proxy.url)
        proxy.budget = len(WEIGHTS) // 2
        world.run_jobs()
        assert proxy.cuts == 1
    done = world.get(asked.value.id)
    assert (done.state, done.error) == (ImportState.DONE, None)
    assert world.tree(asked.repo) == world.origin.tree(done.imported_commit or "")


def test_a_source_that_is_away_is_tried_again_later_from_where_it_was(world: World) -> None:
    with CuttingProxy(int(world.origin.hub.url.rsplit(":", 1)[1]), cuts_answers=True) as proxy:
        asked = world.ask(target="acme/copy", endpoint=proxy.url)
    world.run_jobs()
    failed = world.get(asked.value.id)
    assert (failed.state, failed.failures, failed.error_code) == (ImportState.QUEUED, 1, "source_unavailable")
    assert failed.next_at is not None
    assert failed.next_at > world.clock[0]
    assert world.run_jobs() == []
    for _ in range(8):
        world.wait(days=1)
        world.run_jobs()
    given_up = world.get(asked.value.id)
    assert (given_up.state, given_up.next_at) == (ImportState.FAILED, None)
    assert "refused the connection" in (given_up.error or "")


def test_patterns_choose_files(world: World) -> None:
    asked = world.ask(target="acme/copy", include=["*.json", "docs/"], exclude=["docs/n*"])
    world.run_jobs()
    assert [path for path, _, _ in world.tree(asked.repo)] == ["config.json"]
    again = world.ask(target="acme/copy", include=["*.json", "docs/"])
    assert again.value.id == asked.value.id
    world.run_jobs()
    assert [path for path, _, _ in world.tree(asked.repo)] == ["config.json", "docs", "docs/notes.md"]
    world.ask(target="acme/copy", include=["*.nothing"])
    world.run_jobs()
    assert world.get(asked.value.id).error_code == "nothing_to_import"


def test_a_revision_is_pinned_when_it_is_asked_for(world: World) -> None:
    commit = world.origin.put({"a": b"1"})
    world.origin.hub.services.commits.create_tag(
        world.origin.actor, world.origin.repo.place, world.origin.repo.name, "m@v1.0.0", None, "Release"
    )
    world.origin.put({"a": b"2"})
    asked = world.ask(target="acme/copy", source=f"hf:{world.origin.name}@m@v1.0.0")
    assert asked.value.wanted_commit == commit
    world.run_jobs()
    assert world.tree(asked.repo) == world.origin.tree(commit)
    branch = world.ask(target="acme/branch")
    world.origin.put({"a": b"3"})
    world.run_jobs()
    assert world.get(branch.value.id).imported_commit == branch.value.wanted_commit


def test_datasets_come_into_datasets(world: World, hub: RunningHub) -> None:
    made = hub.services.repos.create(
        world.origin.actor, f"datasets/{world.origin.repo.namespace}", "rows"
    ).repo
    data = Origin(hub, made, world.origin.actor, world.origin.token)
    commit = data.put({"data/a.csv": b"1,2\n"}, {"data/b.parquet": MORE})
    asked = world.ask(source=f"hf:datasets/{data.name}", target="acme/rows")
    world.run_jobs()
    assert asked.repo.address == "datasets/acme/rows"
    assert world.get(asked.value.id).error is None
    assert world.tree(asked.repo) == data.tree(commit)


def test_a_file_too_large_for_git_here_goes_through_lfs_and_is_tracked(world: World, tmp_path: Path) -> None:
    small = opened(world.stores, tmp_path, max_git_file=4000)
    big = random.Random(3).randbytes(5000)
    world.origin.put({"big.txt": big})
    asked, _ = small.imports.create(
        world.alice,
        world.origin.name,
        target="acme/copy",
        endpoint=world.origin.hub.url,
        token=world.origin.token,
    )
    small.import_runs.run(asked.value.id)
    assert world.get(asked.value.id).error is None
    assert {path: lfs is not None for path, _, lfs in world.tree(asked.repo)}["big.txt"]
    assert small.commits.storage_for(world.alice, "acme", "copy", None, [("big.txt", 1)]) == {"big.txt": True}


def test_cancelling_ends_the_schedule_and_a_run_that_waits(world: World) -> None:
    asked = world.ask(target="acme/copy", every=3600)
    world.hub.imports.job_made(asked.value.id)
    with pytest.raises(Conflict, match="running"):
        world.ask(target="acme/copy")
    cancelled = world.hub.imports.cancel(world.alice, asked.value.id).value
    assert (cancelled.state, cancelled.every, cancelled.next_at) == (ImportState.CANCELLED, None, None)
    world.hub.import_runs.run(asked.value.id)
    assert world.get(asked.value.id).state is ImportState.CANCELLED
    assert world.origin.downloads() == []
    world.hub.imports.sync(world.alice, asked.value.id)
    assert world.run_jobs() == [asked.value.id]
    assert world.get(asked.value.id).state is ImportState.DONE


def test_jobs_that_the_engine_lost_are_made_anew(world: World) -> None:
    asked = world.ask(target="acme/copy")
    world.hub.imports.job_made(asked.value.id)
    assert list(world.hub.imports.due()) == []
    assert list(world.hub.imports.recover(lambda: {asked.value.id})) == []
    assert list(world.hub.imports.recover(set)) == [asked.value.id]
    assert world.run_jobs() == [asked.value.id]


def test_the_sources_own_words_are_told(world: World) -> None:
    with pytest.raises(NotFound, match="404 RepoNotFound"):
        world.ask(source=f"{world.origin.repo.namespace}/absent", target="acme/copy")
    with pytest.raises(NotFound, match="RevisionNotFound"):
        world.ask(source=f"{world.origin.name}@nowhere", target="acme/copy")
    with pytest.raises(NotPermitted, match="token"):
        world.ask(target="acme/copy", token=None)
    with pytest.raises(NotFound):
        world.hub.repos.get(world.alice, "acme", "copy")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"source": "hf:"}, "invalid_source"),
        ({"source": "a/b/c"}, "invalid_source"),
        ({"source": "../x"}, "invalid_source"),
        ({"source": "a/b@"}, "invalid_source"),
        ({"endpoint": "ftp://x"}, "invalid_url"),
        ({"endpoint": "https://user:secret@hub.example.org"}, "invalid_url"),
        ({"endpoint": "http://169.254.169.254"}, "source_forbidden"),
        ({"endpoint": "http://10.0.0.1"}, "source_forbidden"),
        ({"endpoint": "http://localhost.localdomain:1?x=1"}, "invalid_url"),
        ({"token": "two words"}, "invalid_source_token"),
        ({"every": 10}, "invalid_schedule"),
        ({"include": [""]}, "invalid_pattern"),
        ({"target": "acme"}, "invalid_name"),
        ({"target": "datasets/acme/x"}, "invalid_target"),
    ],
)
def test_what_cannot_be_is_refused(world: World, options: dict[str, Any], code: str) -> None:
    with pytest.raises(ModelkeepError) as refused:
        world.ask(**{"target": "acme/copy", **options})
    assert refused.value.code == code
    assert world.origin.token not in refused.value.message


def test_only_who_may_write_imports_and_others_see_nothing(world: World) -> None:
    world.hub.accounts.create(LOCAL, name="eve", password=None)
    _, secret = world.hub.tokens.create(
        LOCAL, user="eve", name="t", scopes=frozenset(LOCAL.scopes), limits=(), expires_at=None
    )
    eve = world.hub.authentication.by_token(secret, "", "test")
    asked = world.ask(target="acme/copy")
    nobody = world.hub.authentication.anonymous("", "test")
    for action in (
        world.hub.imports.get,
        world.hub.imports.sync,
        world.hub.imports.cancel,
        world.hub.imports.delete,
    ):
        for number in (asked.value.id, 999):
            with pytest.raises(NotFound, match="may not see"):
                action(eve, number)
            with pytest.raises(Unauthenticated):
                action(nobody, number)
    for stranger, expected in ((eve, NotFound), (nobody, Unauthenticated), (LOCAL, Unauthenticated)):
        with pytest.raises(expected):
            world.ask(stranger, target="acme/other")
    assert world.hub.imports.list(eve, PageRequest()).items == ()
    world.hub.accounts.update(LOCAL, "alice", is_disabled=True)
    world.hub.import_runs.run(asked.value.id)
    with world.stores.database.read() as tx:
        found = imports.import_by_id(tx, asked.value.id)
    assert found is not None
    assert (found.state, found.error_code) == (ImportState.FAILED, "bad_credentials")


def test_a_repo_has_one_origin_and_its_token_opens_nothing_else(world: World) -> None:
    asked = world.ask(target="acme/copy")
    world.run_jobs()
    assert world.get(asked.value.id).has_token
    assert world.ask(target="acme/copy", token=None).value.has_token, "kept for the same source"
    world.run_jobs()
    other = world.origin.hub.repo((world.origin.hub.user(), Role.OWNER)).full_name
    with pytest.raises(AlreadyExists, match="Delete import"):
        world.ask(target="acme/copy", source=other, token=None)
    world.hub.imports.delete(world.alice, asked.value.id)
    with pytest.raises(NotPermitted):
        world.ask(target="acme/copy", source=other, token=None)
    assert world.tree(asked.repo)


def test_paths_that_no_checkout_can_hold_are_refused_before_anything_is_fetched(world: World) -> None:
    world.hub.repos.create(world.alice, "acme", "copy")
    world.hub.commits.commit(world.alice, "acme", "copy", [AddFile("config.json/below", b"x")], "In the way")
    asked = world.ask(target="acme/copy")
    world.run_jobs()
    failed = world.get(asked.value.id)
    assert (failed.state, failed.error_code) == (ImportState.FAILED, "path_is_directory")
    assert "config.json" in (failed.error or "")
    with pytest.raises(InvalidInput):
        world.ask(target="acme/copy", exclude=["x"] * 101)
