"""File locks: the API by hand, and the commands of git-lfs (git-lfs, docs/api/locking.md)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modelkeep.domain.access import Role, Visibility
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo, User
from tests.support.lfs import LfsClient


class Team:
    """A repo with an owner of a lock, another contributor, a maintainer and a reader."""

    def __init__(self, hub: Hub) -> None:
        self.ann, self.ben, self.max, self.rea = (hub.user(name) for name in ("ann", "ben", "max", "rea"))
        self.repo: HubRepo = hub.repo(
            (self.ann, Role.CONTRIBUTOR),
            (self.ben, Role.CONTRIBUTOR),
            (self.max, Role.MAINTAINER),
            (self.rea, Role.READER),
        )
        self._hub = hub

    def as_(self, user: User) -> LfsClient:
        return LfsClient(self._hub, self.repo, user.token)


@pytest.fixture
def team(hub: Hub) -> Team:
    return Team(hub)


def test_create_and_list(team: Team) -> None:
    made = team.as_(team.ann).post("/locks", {"path": "dir/a.bin", "ref": {"name": "refs/heads/main"}})
    assert made.status_code == 201
    lock = made.json()["lock"]
    assert lock["path"] == "dir/a.bin"
    assert lock["owner"] == {"name": team.ann.name}
    assert lock["locked_at"].endswith("Z")
    for user in (team.ann, team.rea):
        assert team.as_(user).get("/locks").json() == {"locks": [lock]}
    assert team.as_(team.rea).get("/locks", path="dir/a.bin").json()["locks"] == [lock]
    assert team.as_(team.rea).get("/locks", path="dir").json()["locks"] == []
    assert team.as_(team.rea).get("/locks", id=lock["id"]).json()["locks"] == [lock]
    assert team.as_(team.rea).get("/locks", id="0").json()["locks"] == []


def test_a_path_is_locked_once(team: Team) -> None:
    first = team.as_(team.ann).post("/locks", {"path": "a.bin"}).json()["lock"]
    for user in (team.ann, team.ben):
        again = team.as_(user).post("/locks", {"path": "a.bin"})
        assert again.status_code == 409
        assert again.json()["lock"] == first
        assert team.ann.name in again.json()["message"]


@pytest.mark.parametrize(
    "path", [None, "", 7, "/a", "a/", "a//b", "../a", "a/../b", ".", "a\0b", "a" * 5000, ["a"]], ids=repr
)
def test_a_path_that_is_none(team: Team, path: object) -> None:
    answer = team.as_(team.ann).post("/locks", {"path": path})
    assert answer.status_code == 422
    assert answer.json()["message"]
    assert team.as_(team.ann).get("/locks").json() == {"locks": []}


def test_paging(team: Team) -> None:
    ann = team.as_(team.ann)
    paths = [f"file{number:02}.bin" for number in range(25)]
    for path in paths:
        assert ann.post("/locks", {"path": path}).status_code == 201
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = ann.get("/locks", limit="10", **({"cursor": cursor} if cursor else {})).json()
        seen += [lock["path"] for lock in page["locks"]]
        cursor = page.get("next_cursor", "")
    assert seen == paths
    assert cursor == ""
    verified: list[str] = []
    body: dict[str, object] = {"limit": 7}
    while True:
        page = team.as_(team.ben).post("/locks/verify", body).json()
        assert page["ours"] == []
        verified += [lock["path"] for lock in page["theirs"]]
        if not page.get("next_cursor"):
            break
        body["cursor"] = page["next_cursor"]
    assert verified == paths


@pytest.mark.parametrize(
    "query", [{"limit": "x"}, {"limit": "-1"}, {"cursor": "zzz"}, {"cursor": "\0"}], ids=str
)
def test_a_page_that_is_none(team: Team, query: dict[str, str]) -> None:
    assert team.as_(team.ann).get("/locks", **query).status_code == 422


def test_verify_tells_ours_from_theirs(team: Team) -> None:
    ours = team.as_(team.ann).post("/locks", {"path": "a.bin"}).json()["lock"]
    theirs = team.as_(team.ben).post("/locks", {"path": "b.bin"}).json()["lock"]
    bodies: list[dict[str, object]] = [{}, {"ref": {}}, {"ref": None}, {"ref": {"name": "refs/heads/main"}}]
    for body in bodies:
        assert team.as_(team.ann).post("/locks/verify", body).json() == {"ours": [ours], "theirs": [theirs]}
    assert team.as_(team.rea).post("/locks/verify", {}).status_code == 403


def test_unlocking(team: Team) -> None:
    lock = team.as_(team.ann).post("/locks", {"path": "a.bin"}).json()["lock"]
    unlock = f"/locks/{lock['id']}/unlock"
    for user, body in (
        (team.ben, {}),
        (team.ben, {"force": True}),
        (team.max, {}),
        (team.rea, {"force": True}),
    ):
        refused = team.as_(user).post(unlock, body)
        assert refused.status_code == 403, (user, body)
    assert team.as_(team.ann).get("/locks").json() == {"locks": [lock]}
    done = team.as_(team.max).post(unlock, {"force": True})
    assert (done.status_code, done.json()) == (200, {"lock": lock})
    assert team.as_(team.max).post(unlock, {"force": True}).status_code == 404
    mine = team.as_(team.ann).post("/locks", {"path": "a.bin"}).json()["lock"]
    assert team.as_(team.ann).post(f"/locks/{mine['id']}/unlock", {}).status_code == 200


def test_a_lock_of_another_repo_is_not_found(hub: Hub, team: Team) -> None:
    lock = team.as_(team.ann).post("/locks", {"path": "a.bin"}).json()["lock"]
    other = hub.repo((team.ann, Role.OWNER))
    answer = LfsClient(hub, other, team.ann.token).post(f"/locks/{lock['id']}/unlock", {"force": True})
    assert answer.status_code == 404


def test_locking_needs_the_right_to_push(hub: Hub, team: Team) -> None:
    assert team.as_(team.rea).post("/locks", {"path": "a.bin"}).status_code == 403
    public = hub.repo(visibility=Visibility.PUBLIC)
    anonymous = LfsClient(hub, public, None)
    assert anonymous.get("/locks").json() == {"locks": []}
    for path in ("/locks", "/locks/verify", "/locks/1/unlock"):
        refused = anonymous.post(path, {"path": "a.bin"})
        assert refused.status_code == 401
        assert "lfs-authenticate" in refused.headers


def test_the_commands_of_git_lfs(hub: Hub, team: Team, machine: Callable[..., Git]) -> None:
    ann, ben, maintainer = machine(team.ann.token), machine(team.ben.token), machine(team.max.token)
    tree = ann.clone(team.repo.git_url, "tree")
    ann.commit(tree, {"a.bin": b"1" * 100, "dir/b c.bin": b"2" * 100})
    ann("push", "-q", "origin", "main", cwd=tree)
    assert "Locked a.bin" in ann("lfs", "lock", "a.bin", cwd=tree)
    ann("lfs", "lock", "dir/b c.bin", cwd=tree)
    assert "a.bin" in ann("lfs", "locks", cwd=tree)

    other = ben.clone(team.repo.git_url, "tree")
    listed = ben("lfs", "locks", "--verify", cwd=other)
    assert team.ann.name in listed
    assert "dir/b c.bin" in listed
    assert ben.attempt("lfs", "lock", "a.bin", cwd=other).code != 0
    assert ben.attempt("lfs", "unlock", "a.bin", cwd=other).code != 0
    refused = ben.attempt("lfs", "unlock", "--force", "a.bin", cwd=other)
    assert refused.code != 0
    assert "override" in refused.err

    # The client itself stops a push that touches the file, since it asks before (lfs.locksverify is true).
    ben.commit(other, {"a.bin": b"only here: " * 10})
    said = ben.refused("origin", "main", cwd=other)
    assert "Cannot update locked files" in said
    assert not hub.has_blob(b"only here: " * 10)

    clone = maintainer.clone(team.repo.git_url, "tree")
    assert "Unlocked a.bin" in maintainer("lfs", "unlock", "--force", "a.bin", cwd=clone)
    ben("push", "-q", "origin", "main", cwd=other)
    ann("lfs", "unlock", "dir/b c.bin", cwd=tree)
    assert team.as_(team.ann).get("/locks").json() == {"locks": []}
