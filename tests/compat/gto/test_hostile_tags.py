"""Tags that stop gto, or that it reads wrongly: refused where tags are strict, else let in, isolated and listed.

What ``doctor`` says of each is held against the real gto: does it give up on a repository with this tag?
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gto.api
import pytest

from modelkeep.domain.access import Role
from tests.compat.gto.readout import Answered, Printed
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo

Machine = Callable[..., Git]
TAGGER = b"tagger Ada Lovelace <ada@example.org> 1700000000 +0100\n"


@dataclass
class Hostile:
    """Tags that belong together; ``code`` is what ``doctor`` calls the last of them, ``refused`` how a push is."""

    tags: list[str]
    code: str
    refused: str
    make: Callable[[Maker], None]
    is_clash: bool = False


@dataclass
class Maker:
    """Makes tags in a clone, however wrong."""

    git: Git
    tree: Path

    def annotated(self, *tags: str, at: str = "HEAD") -> None:
        for tag in tags:
            self.git("tag", "-a", "-m", "why", tag, at, cwd=self.tree)

    def annotated_at(self, tags: dict[str, str]) -> None:
        for commit, tag in tags.items():
            self.annotated(tag, at=commit)

    def light(self, tag: str) -> None:
        self.git("tag", tag, "HEAD", cwd=self.tree)

    def raw(
        self,
        ref: str,
        *,
        name: str | None = None,
        kind: str = "commit",
        of: str = "HEAD",
        tagger: bytes = TAGGER,
        message: bytes = b"\nA tag\n",
    ) -> None:
        target = self.git("rev-parse", of, cwd=self.tree)
        head = f"object {target}\ntype {kind}\ntag {name or ref}\n".encode()
        content = head + tagger + message
        made = self.git(
            "hash-object", "-t", "tag", "--literally", "-w", "--stdin", cwd=self.tree, input=content
        )
        self.git("update-ref", f"refs/tags/{ref}", made, cwd=self.tree)

    def off_branch(self, files: dict[str, str], *tags: str) -> None:
        self.git("checkout", "-q", "--detach", cwd=self.tree)
        self.git.commit(self.tree, files)
        self.annotated(*tags)
        self.git("checkout", "-q", "main", cwd=self.tree)


def one(tag: str, code: str, refused: str, make: Callable[[Maker], None]) -> Hostile:
    return Hostile([tag], code, refused, make)


def raw(tag: str, code: str, refused: str, **options: Any) -> Hostile:
    return one(tag, code, refused, lambda maker: maker.raw(tag, **options))


HOSTILE = {
    "created": raw("m@created", "created_tag", "'@created' is no event"),
    "created with a counter": raw("m@created#3", "created_tag", "'@created' is no event"),
    "created, lightweight": one("x@created", "lightweight", "lightweight", lambda m: m.light("x@created")),
    "lightweight": one("x@v3.0.0", "lightweight", "lightweight", lambda m: m.light("x@v3.0.0")),
    "two versions and a stage": Hostile(
        ["clash1@v1.0.0", "clash1#prod#1", "clash1@v2.0.0"],
        "version_exists_for_commit",
        "is already version",
        lambda m: m.annotated("clash1@v1.0.0", "clash1#prod#1", "clash1@v2.0.0"),
        is_clash=True,
    ),
    "two versions": Hostile(
        ["clash2@v1.0.0", "clash2@v2.0.0"],
        "version_exists_for_commit",
        "is already version",
        lambda m: m.annotated("clash2@v1.0.0", "clash2@v2.0.0"),
        is_clash=True,
    ),
    "another version is taken back": Hostile(
        ["clash3@v1.0.0", "clash3#prod#1", "clash3@v2.0.0!"],
        "version_exists_for_commit",
        "is already version",
        lambda m: m.annotated("clash3@v1.0.0", "clash3#prod#1", "clash3@v2.0.0!"),
        is_clash=True,
    ),
    "a version at two commits": Hostile(
        ["clash4@v1.0.0", "clash4@v1.0.0#2"],
        "version_exists",
        "version v1.0.0 of 'clash4' is already registered",
        lambda m: m.annotated_at({"HEAD": "clash4@v1.0.0", "HEAD~1": "clash4@v1.0.0#2"}),
        is_clash=True,
    ),
    "no tagger": raw("m@v2.0.0", "no_tagger", "no usable tagger", tagger=b""),
    "a tagger without a time": raw("m@v2.0.1", "no_tagger", "tagger", tagger=b"tagger Ada <a@b>\n"),
    "a tagger without an address": raw("m@v2.0.2", "no_tagger", "empty", tagger=b"tagger Ada <> 1 +0000\n"),
    "a tagger's name against the address": raw(
        "m@v2.0.3", "no_tagger", "empty", tagger=b"tagger  <a@b> 1 +0000\n"
    ),
    "a tagger in Latin-1": raw(
        "m@v2.0.4", "no_tagger", "UTF-8", tagger="tagger Ünal <u@x> 1 +0000\n".encode("latin-1")
    ),
    "a message in Latin-1": raw("m@v2.0.5", "no_message", "UTF-8", message="\nPrüfung\n".encode("latin-1")),
    "no message": raw("m@v2.0.6", "no_message", "", message=b""),
    "another's name": raw("m@v2.0.7", "name_differs", "is named 'n@v2.0.0'", name="n@v2.0.0"),
    "no registry name": raw("m@v2.0.8", "name_differs", "is named 'release'", name="release"),
    "the name of a creation": raw("m@v2.0.9", "name_differs", "is named 'm@created'", name="m@created"),
    "a hidden name": raw("release", "name_differs", "is named 'm@v2.0.0'", name="m@v2.0.0"),
    "a tag of a tag": raw("m#prod#7", "not_a_commit", "points to a tag", kind="tag", of="m@v1.0.0"),
    "a tag of a tree": raw("m@v2.1.0", "not_a_commit", "points to a tree", kind="tree", of="HEAD^{tree}"),
    "a tag of a file": raw("m#qa#8", "not_a_commit", "points to a blob", kind="blob", of="HEAD:file.txt"),
    "a deprecation of a tree": raw("m@deprecated", "not_a_commit", "a tree", kind="tree", of="HEAD^{tree}"),
    "a huge counter": raw("m#dev#" + "9" * 25, "counter_too_large", "its counter is not below"),
    "bad annotations": one(
        "x@v4.0.0",
        "stops_gto",
        "artifacts.yaml at its commit",
        lambda m: m.off_branch({"artifacts.yaml": "m:\n  labels: x\n"}, "x@v4.0.0"),
    ),
    "badly named annotations": one(
        "x#dev#9",
        "stops_gto",
        "line 2: '-m' cannot name an artifact",
        lambda m: m.off_branch({"artifacts.yaml": "m: {}\n-m: {}\n"}, "x#dev#9"),
    ),
    "empty annotations": one(
        "y@v4.0.0", "stops_gto", "it is empty", lambda m: m.off_branch({"artifacts.yaml": ""}, "y@v4.0.0")
    ),
}


@pytest.fixture
def maker(hub: Hub, machine: Machine, repo: HubRepo, token: str) -> Maker:
    """A clone of a repo with two artifacts, and all hostile tags in it, not yet pushed."""
    git = machine(token)
    tree = git.clone(repo.git_url, "tree")
    maker = Maker(git, tree)
    git.commit(tree, {"file.txt": "first\n"})
    maker.annotated("m@v1.0.0", "m#prod#1", "dir=other@v0.1.0")
    git.commit(tree, {"file.txt": "second\n", "artifacts.yaml": "m: {type: model}\nnoted: {}\n"})
    maker.annotated("m@v1.1.0", "m#prod#2", "m#dev#3")
    git("push", "-q", "--tags", "origin", "main", cwd=tree)
    for hostile in HOSTILE.values():
        hostile.make(maker)
    return maker


@pytest.fixture
def token(hub: Hub) -> str:
    return hub.user().token


@pytest.fixture
def repo(hub: Hub, token: str) -> HubRepo:
    name = hub.actor(token).username
    repo = hub.repo()
    hub.services.repo_members.set(hub.local, repo.namespace, repo.name, name, Role.MAINTAINER)
    return repo


def full(hostile: Hostile) -> list[str]:
    return [f"refs/tags/{tag}" for tag in hostile.tags]


def test_strict_tags_refuse_each(hub: Hub, repo: HubRepo, maker: Maker) -> None:
    before = hub.fingerprint(repo)
    for name, hostile in HOSTILE.items():
        said = maker.git.refused("origin", *full(hostile), cwd=maker.tree)
        assert hostile.refused in said, (name, said)
        assert hostile.tags[-1] in said, (name, said)
    assert hub.fingerprint(repo) == before


def test_what_gto_writes_with_force_is_none_of_them(
    hub: Hub, repo: HubRepo, token: str, maker: Maker
) -> None:
    """The same version at the same commit once more, and a stage that the version holds already."""
    maker.annotated("m@v1.1.0#4", "m#prod#5")
    maker.git("push", "-q", "origin", "refs/tags/m@v1.1.0#4", "refs/tags/m#prod#5", cwd=maker.tree)
    fresh = Printed(maker.git.clone(repo.git_url, "fresh"))
    answered = Answered(hub, repo, token)
    assert answered("show", name="m") == fresh("show", "m", "--json")
    assert answered("history") == fresh("history", "--json")


def stops_gto(maker: Maker, hostile: Hostile, clean: set[str]) -> bool:
    """Whether gto gives up on the repository with these tags, and no other hostile ones."""
    present = set(maker.git("tag", "-l", cwd=maker.tree).split())
    hidden = {tag: maker.git("rev-parse", f"refs/tags/{tag}", cwd=maker.tree) for tag in present - clean}
    for tag in hidden:
        if tag not in hostile.tags:
            maker.git("update-ref", "-d", f"refs/tags/{tag}", cwd=maker.tree)
    try:
        gto.api._get_state(str(maker.tree))
    except Exception:  # whatever it fails with
        return True
    finally:
        for tag, target in hidden.items():
            maker.git("update-ref", f"refs/tags/{tag}", target, cwd=maker.tree)
    return False


def test_without_strict_tags_all_else_stays_right(hub: Hub, repo: HubRepo, token: str, maker: Maker) -> None:
    url = f"/api/v1/repos/{repo.full_name}"
    answered = Answered(hub, repo, token)
    clean = set(maker.git("ls-remote", "--tags", "--refs", "origin", cwd=maker.tree).split("\n"))
    names = {line.split("refs/tags/")[1] for line in clean}
    before = answered("show"), answered("history"), answered("show", name="m")
    assert hub.request("PATCH", url, token, json={"strict_tags": False}).json()["strict_tags"] is False
    maker.git(
        "push",
        "-q",
        "origin",
        *(ref for hostile in HOSTILE.values() for ref in full(hostile)),
        cwd=maker.tree,
    )

    fresh = maker.git.clone(repo.git_url, "fresh")
    kept = {
        *names,
        *(tag for hostile in HOSTILE.values() if hostile.code == "stops_gto" for tag in hostile.tags),
    }
    for tag in set(maker.git("tag", "-l", cwd=fresh).split()) - names:
        maker.git("update-ref", "-d", f"refs/tags/{tag}", cwd=fresh)
    assert (Printed(fresh)("show", "--json"), Printed(fresh)("show", "m", "--json")) == (before[0], before[2])
    assert answered("show", name="m") == before[2]
    shown = json.loads(answered("show"))
    readable = {tag.split("@")[0].split("#")[0] for tag in kept - names}
    clashing = {
        tag.split("@")[0] for hostile in HOSTILE.values() if hostile.is_clash for tag in hostile.tags[:1]
    }
    assert {name: said for name, said in shown.items() if name not in readable | clashing} == json.loads(
        before[0]
    )
    assert readable | clashing <= set(shown)
    assert shown["clash1"]["stage"]["prod"] == "v2.0.0"

    found = {item["tag"]: item for item in answered.get("doctor", limit=100).json()["items"]}
    for name, hostile in HOSTILE.items():
        finding = found.pop(hostile.tags[-1])
        assert finding["code"] == hostile.code, name
        assert finding["reason"], name
        assert finding["remedy"], name
        assert finding["breaks_gto"] == stops_gto(maker, hostile, names), name
    assert found == {}

    index = hub.snapshot(repo.id)
    hub.services.indexing.rebuild(repo.id)
    assert hub.snapshot(repo.id) == index


def test_settings_that_gto_cannot_read(hub: Hub, repo: HubRepo, token: str, maker: Maker) -> None:
    maker.git.commit(maker.tree, {".gto": "stages: [dev]\nowner: me\n"})
    said = maker.git.refused("origin", "main", cwd=maker.tree)
    assert ".gto on main, line 2: gto knows no setting 'owner'" in said
    maker.git("push", "-q", "origin", "main:elsewhere", cwd=maker.tree)  # gto reads the default branch's
    url = f"/api/v1/repos/{repo.full_name}"
    assert hub.request("PATCH", url, token, json={"strict_tags": False}).status_code == 200
    maker.git("push", "-q", "origin", "main", cwd=maker.tree)
    answered = Answered(hub, repo, token)
    (finding,) = answered.get("doctor").json()["items"]
    assert (finding["file"], finding["line"], finding["breaks_gto"]) == (".gto", 2, True)
    assert json.loads(answered("stages")) == ["dev", "prod"]


def test_files_of_the_default_branch(hub: Hub, repo: HubRepo, token: str, maker: Maker) -> None:
    files = {
        "artifacts.yaml": "m: {type: model}\n1: {}\n",
        "models/dvc.yaml": "artifacts:\n  digits: {type: model}\n",
    }
    maker.git.commit(maker.tree, files)
    maker.git("push", "-q", "origin", "main", cwd=maker.tree)
    found = Answered(hub, repo, token).get("doctor").json()["items"]
    said = {(item["file"], item["line"], item["breaks_gto"]) for item in found}
    assert said == {("artifacts.yaml", 2, True), ("models/dvc.yaml", 2, False)}
    with pytest.raises(Exception, match="artifacts"):
        gto.api._get_state(str(maker.git.clone(repo.git_url, "fresh")))


def test_who_may(hub: Hub, repo: HubRepo, token: str, maker: Maker, machine: Machine) -> None:
    """Without strict tags a bad one still needs the right to what it looks like, and brings nothing along."""
    url = f"/api/v1/repos/{repo.full_name}"
    assert hub.request("PATCH", url, token, json={"strict_tags": False}).status_code == 200
    other = hub.user()
    hub.services.repo_members.set(hub.local, repo.namespace, repo.name, other.name, Role.CONTRIBUTOR)
    assert hub.request("PATCH", url, other.token, json={"strict_tags": True}).status_code == 403
    maker.git.log_in(other.token)
    for case in ("a tag of a tag", "created", "a deprecation of a tree"):
        said = maker.git.refused("origin", *full(HOSTILE[case]), cwd=maker.tree)
        assert "role maintainer" in said, said
    maker.raw("innocent", name="m#prod#99")
    assert "role maintainer" in maker.git.refused("origin", "refs/tags/innocent", cwd=maker.tree)
