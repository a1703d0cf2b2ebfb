"""``kill -9`` at random points of pushes, uploads and writes: nothing acknowledged is lost, nothing half done is seen.

The points come from a seed; ``MODELKEEP_TEST_CRASHES`` sets how many (default 50).
"""

from __future__ import annotations

import hashlib
import os
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from modelkeep.domain.access import Role
from modelkeep.git import process
from tests.support.forking import ForkedHub
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo
from tests.support.lfs import LfsClient, oid_of

CRASHES = int(os.environ.get("MODELKEEP_TEST_CRASHES", "50"))
MOST_PUSHES = 1
LATEST_MOMENT = 0.35
"""A round ends a random time, at most this many seconds, after so many acknowledged pushes."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass
class Told:
    """What clients were told had succeeded."""

    commits: dict[str, list[str]] = field(default_factory=dict)
    """By branch: the commits that it must contain."""
    tags: dict[str, str] = field(default_factory=dict)
    """What each tag must point to."""
    objects: dict[str, int] = field(default_factory=dict)
    """Size of each LFS object that must be readable."""

    def commit(self, branch: str, commit: str) -> None:
        self.commits.setdefault(branch, []).append(commit)

    @property
    def pushes(self) -> int:
        """How many were acknowledged."""
        return sum(len(commits) for branch, commits in self.commits.items() if branch != "web")


@dataclass
class World:
    """One repo, two users' clones, and everything that was acknowledged."""

    hub: Hub
    repo: HubRepo
    git: Git
    trees: list[Path]
    token: str
    told: Told = field(default_factory=Told)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 100_000)))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("crash")
    server = ForkedHub(folder / "data", folder / "hub.log")
    server.start()
    hub = Hub(server)
    try:
        user = hub.user()
        repo = hub.repo((user, Role.OWNER))
        git = Git(folder / "home", user.token)
        trees = [git.clone(repo.git_url, f"tree{number}") for number in range(2)]
        for number, tree in enumerate(trees):
            git("switch", "-q", "-c", f"work{number}", cwd=tree)
        yield World(hub, repo, git, trees, user.token)
    finally:
        server.stop()
        hub.close()


def push_commits(world: World, number: int, go_on: Callable[[], bool]) -> None:
    """Pushes a commit with a small file and an LFS object, and a version of it, again and again."""
    git, tree, branch = world.git, world.trees[number], f"work{number}"
    while go_on():
        count = next(world.numbers)
        content = f"content of {count}\n".encode() * 50
        commit = git.commit(tree, {"text.txt": f"{count}\n", "model.bin": content})
        tag = f"model{number}@v{count}.0.0"
        git("tag", "-a", "-m", f"Version {count}", tag, cwd=tree)
        done = git.attempt("push", "-q", "origin", f"HEAD:refs/heads/{branch}", f"refs/tags/{tag}", cwd=tree)
        if done.code == 0:
            world.told.commit(branch, commit)
            world.told.tags[tag] = git("rev-parse", tag, cwd=tree)
            world.told.objects[oid_of(content)] = len(content)


def upload_objects(world: World, seed: int, go_on: Callable[[], bool]) -> None:
    """Uploads LFS objects, in one piece and in two, again and again."""
    noise = random.Random(seed)
    lfs = LfsClient(world.hub, world.repo, world.token)
    while go_on():
        content = noise.randbytes(noise.choice([0, 100, 200_000]))
        transfer = noise.choice(["basic", "tus"])
        try:
            actions = lfs.actions("upload", content, transfers=[transfer])
            if not actions:
                continue
            url = actions["upload"]["href"]
            if transfer == "basic":
                answer = world.hub.http.put(url, content=content)
            else:
                answer = patch(world.hub.http, url, 0, content[: len(content) // 2])
                answer = patch(world.hub.http, url, len(content) // 2, content[len(content) // 2 :])
        except (httpx.HTTPError, AssertionError):
            continue
        if answer.is_success:
            world.told.objects[oid_of(content)] = len(content)
        threading.Event().wait(0.02)  # leaves room for the others


def patch(client: httpx.Client, url: str, offset: int, body: bytes) -> httpx.Response:
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
    }
    return client.patch(url, content=body, headers=headers)


def write_by_rest(world: World, go_on: Callable[[], bool]) -> None:
    """Commits a file, registers it and moves a stage over REST, again and again."""
    base = f"/api/v1/repos/{world.repo.full_name}"
    branch = "web"
    while go_on():
        count = next(world.numbers)
        body: dict[str, object] = {
            "branch": branch,
            "message": f"Commit {count}",
            "operations": [{"op": "add", "path": "web.txt", "content": f"{count}\n"}],
        }
        if branch not in world.told.commits:
            body["create_branch_from"] = "main"
        try:
            made = world.hub.request("POST", f"{base}/commits", world.token, json=body)
            if made.status_code == 409:  # an earlier one had made the branch, but nobody was told
                body.pop("create_branch_from", None)
                made = world.hub.request("POST", f"{base}/commits", world.token, json=body)
            if made.status_code != 201:
                continue
            commit = made.json()["commit"]["id"]
            world.told.commit(branch, commit)
            version = {"version": f"v{count}.0.0", "revision": commit}
            registered = world.hub.request(
                "POST", f"{base}/artifacts/web/versions", world.token, json=version
            )
            if registered.status_code != 201:
                continue
            note_tag(world, registered.json())
            stage = world.hub.request(
                "PUT", f"{base}/artifacts/web/stages/prod", world.token, json={"version": version["version"]}
            )
            if stage.status_code == 201:
                note_tag(world, stage.json())
        except httpx.HTTPError:
            continue


def note_tag(world: World, answer: dict[str, str]) -> None:
    world.told.tags[answer["tag"]] = answer["commit"]


@pytest.mark.skipif(CRASHES < 1, reason="MODELKEEP_TEST_CRASHES is 0")
def test_nothing_acknowledged_is_lost_and_nothing_half_done_is_seen(world: World) -> None:
    chance = random.Random(20_260_301)
    for number in range(CRASHES):
        pushes, moment = chance.randint(0, MOST_PUSHES), chance.uniform(0.01, LATEST_MOMENT)
        with_children = chance.random() < 0.5
        run_until_killed(world, pushes, moment, with_children, seed=number)
        world.hub.process.start()
        try:
            check(world)
        except AssertionError as error:
            error.add_note(f"round {number}: killed {moment:.3f} s after {pushes} pushes, {with_children=}")
            raise
    check_usable(world)
    # The rounds must have done something, or they prove nothing.
    assert len(world.told.commits) == 3
    assert len(world.told.tags) > CRASHES // 2
    assert len(world.told.objects) > CRASHES // 2


def run_until_killed(world: World, pushes: int, moment: float, with_children: bool, seed: int) -> None:
    is_over, enough = threading.Event(), world.told.pushes + pushes

    def go_on() -> bool:
        return not is_over.is_set()

    writers = [
        threading.Thread(target=push_commits, args=(world, 0, go_on)),
        threading.Thread(target=push_commits, args=(world, 1, go_on)),
        threading.Thread(target=upload_objects, args=(world, seed, go_on)),
        threading.Thread(target=write_by_rest, args=(world, go_on)),
    ]
    for writer in writers:
        writer.start()
    for _ in range(1000):
        if world.told.pushes >= enough:
            break
        is_over.wait(0.01)
    is_over.wait(moment)
    is_over.set()
    world.hub.process.kill(with_children=with_children)
    for writer in writers:
        writer.join()


def check(world: World) -> None:
    """Looks at the disk and the index as they are after a restart, before anything else is written."""
    check_refs(world)
    check_objects(world)
    fsck = process.attempt(["fsck", "--strict", "--no-dangling"], git_dir=world.repo.git_dir)
    assert (fsck.code, fsck.output) == (0, b""), fsck.errors
    index = world.hub.snapshot(world.repo.id)
    world.hub.services.indexing.rebuild(world.repo.id)
    assert index == world.hub.snapshot(world.repo.id)


def check_refs(world: World) -> None:
    git_dir = world.repo.git_dir
    lines = process.run(["for-each-ref", "--format=%(refname) %(objectname) %(*objectname)"], git_dir=git_dir)
    refs = {line.split()[0]: line.split()[1:] for line in lines.decode().splitlines()}
    for tag, target in world.told.tags.items():
        assert target in refs.get(f"refs/tags/{tag}", []), tag
    for branch, commits in world.told.commits.items():
        (tip,) = refs[f"refs/heads/{branch}"]
        reached = set(process.run(["rev-list", tip], git_dir=git_dir).decode().split())
        assert set(commits) <= reached


def check_objects(world: World) -> None:
    stored = {}
    for path in (path for path in (world.hub.blobs / "sha256").rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert hashlib.sha256(content).hexdigest() == path.name, "a partial blob is visible"
        stored[path.name] = len(content)
    told = world.told.objects
    assert {oid: stored.get(oid) for oid in told} == told
    assert list((world.hub.blobs / "tmp").iterdir()) == []
    objects = [{"oid": oid, "size": size} for oid, size in sorted(told.items())][-1000:]
    answers = LfsClient(world.hub, world.repo, world.token).batch("download", objects)["objects"]
    assert [answer for answer in answers if "download" not in answer.get("actions", {})] == []


def check_usable(world: World) -> None:
    """No lock file or half-made thing stands in the way of the next writers."""
    ends = iter([True, False])
    push_commits(world, 0, lambda: next(ends))
    ends = iter([True, False])
    push_commits(world, 1, lambda: next(ends))
    ends = iter([True, False])
    write_by_rest(world, lambda: next(ends))
    for branch, tree in (("work0", world.trees[0]), ("work1", world.trees[1])):
        assert world.told.commits[branch][-1] == world.git("rev-parse", "HEAD", cwd=tree)
    check(world)
    fresh = world.git.clone(world.repo.git_url, "fresh", "--branch", "work0")
    assert (fresh / "model.bin").read_bytes() == (world.trees[0] / "model.bin").read_bytes()
