"""Registry tags that would break a reader of the registry, or that the pusher may not make, are refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modelkeep.domain.access import Role, Scope
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo, User

Machine = Callable[..., Git]
TAGGER = b"tagger Ada Lovelace <ada@example.org> 1700000000 +0100\n"


@pytest.fixture
def owner(hub: Hub) -> User:
    return hub.user()


@pytest.fixture
def contributor(hub: Hub) -> User:
    return hub.user()


@pytest.fixture
def repo(hub: Hub, owner: User, contributor: User) -> HubRepo:
    return hub.repo((owner, Role.MAINTAINER), (contributor, Role.CONTRIBUTOR))


@pytest.fixture
def git(machine: Machine, owner: User) -> Git:
    return machine(owner.token)


@pytest.fixture
def tree(git: Git, repo: HubRepo) -> Path:
    """A clone with version 1.0.0 of artifact ``m`` at its tip, in stage ``prod``."""
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"file.txt": "first\n"})
    git("tag", "-a", "-m", "First", "m@v1.0.0", cwd=tree)
    git("tag", "-a", "-m", "Go", "m#prod#1", cwd=tree)
    git("push", "-q", "origin", "main", "m@v1.0.0", "m#prod#1", cwd=tree)
    return tree


def put_tag(git: Git, tree: Path, ref: str, content: bytes) -> None:
    """Makes a tag of exactly these bytes, however wrong."""
    made = git("hash-object", "-t", "tag", "--literally", "-w", "--stdin", cwd=tree, input=content)
    git("update-ref", f"refs/tags/{ref}", made, cwd=tree)


def content_of(
    git: Git,
    tree: Path,
    name: bytes,
    *,
    kind: str = "commit",
    tagger: bytes = TAGGER,
    message: bytes = b"\nA tag\n",
) -> bytes:
    target = git(
        "rev-parse", {"commit": "HEAD", "tree": "HEAD^{tree}", "blob": "HEAD:file.txt"}[kind], cwd=tree
    )
    return b"object %s\ntype %s\ntag %s\n" % (target.encode(), kind.encode(), name) + tagger + message


def check_refused(hub: Hub, repo: HubRepo, git: Git, tree: Path, *args: str) -> str:
    before = hub.fingerprint(repo)
    said = git.refused("origin", *args, cwd=tree)
    after = hub.fingerprint(repo)
    for part, value in before.items():
        assert after[part] == value, part
    return said


@pytest.mark.parametrize(
    "ref", ["m@v2.0.0", "m@v2.0.0#5", "m#prod#2", "m#prod", "m@created", "m@deprecated", "dir=m@v1.0.0"]
)
def test_a_lightweight_tag(hub: Hub, repo: HubRepo, git: Git, tree: Path, ref: str) -> None:
    git.commit(tree, {})
    git("tag", ref, cwd=tree)
    said = check_refused(hub, repo, git, tree, f"refs/tags/{ref}")
    assert f"tag '{ref}': it is a lightweight tag" in said
    assert "git tag -a" in said


WRONG: dict[str, tuple[str, dict[str, object], str]] = {
    "created": ("m@created", {"name": b"m@created"}, "'@created' is no event"),
    "no tagger": ("m@v2.0.0", {"tagger": b""}, "no usable tagger"),
    "no time": ("m@v2.0.0", {"tagger": b"tagger Ada <a@b>\n"}, "tagger"),
    "tagger in Latin-1": (
        "m@v2.0.0",
        {"tagger": "tagger Ünal <u@x.org> 1 +0000\n".encode("latin-1")},
        "tagger",
    ),
    "message in Latin-1": (
        "m@v2.0.0",
        {"message": "\nPrüfung\n".encode("latin-1")},
        "its message is missing or not UTF-8",
    ),
    "no message": ("m@v2.0.0", {"message": b""}, ""),
    "another name": ("m@v2.0.0", {"name": b"n@v2.0.0"}, "the tag object inside is named 'n@v2.0.0'"),
    "no registry name": ("m@v2.0.0", {"name": b"release"}, "the tag object inside is named 'release'"),
    "a hidden registry name": ("release", {"name": b"m@v2.0.0"}, "the tag object inside is named 'm@v2.0.0'"),
    "a name in Latin-1": ("m@v2.0.0", {"name": "m\xe4@v2.0.0".encode("latin-1")}, "is named"),
    "of a tree": ("m@v2.0.0", {"kind": "tree"}, "it points to a tree, not to a commit"),
    "of a blob": ("m@v2.0.0", {"kind": "blob"}, "it points to a blob, not to a commit"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_malformed_tag(hub: Hub, repo: HubRepo, git: Git, tree: Path, case: str) -> None:
    ref, changes, expected = WRONG[case]
    git.commit(tree, {})
    put_tag(git, tree, ref, content_of(git, tree, **{"name": ref.encode(), **changes}))  # type: ignore[arg-type]
    assert expected in check_refused(hub, repo, git, tree, f"refs/tags/{ref}")


def test_a_tag_of_a_tag(hub: Hub, repo: HubRepo, git: Git, tree: Path) -> None:
    git("tag", "-a", "-m", "Outer", "m@v2.0.0", "m@v1.0.0", cwd=tree)
    assert "it points to a tag, not to a commit" in check_refused(hub, repo, git, tree, "refs/tags/m@v2.0.0")


def test_a_second_version_on_a_commit(hub: Hub, repo: HubRepo, git: Git, tree: Path) -> None:
    git("tag", "-a", "-m", "Second", "m@v1.1.0", cwd=tree)
    said = check_refused(hub, repo, git, tree, "refs/tags/m@v1.1.0")
    assert "is already version v1.0.0 of 'm'" in said


def test_two_versions_on_a_commit_in_one_push(hub: Hub, repo: HubRepo, git: Git, tree: Path) -> None:
    git.commit(tree, {})
    git("tag", "-a", "-m", "x", "m@v2.0.0", cwd=tree)
    git("tag", "-a", "-m", "x", "m@v2.1.0", cwd=tree)
    assert "a commit holds one version" in check_refused(hub, repo, git, tree, "main", "m@v2.0.0", "m@v2.1.0")
    # Of two artifacts a commit may hold a version each.
    git("tag", "-a", "-m", "x", "n@v2.1.0", cwd=tree)
    git("push", "-q", "origin", "m@v2.0.0", "n@v2.1.0", cwd=tree)


def test_a_version_twice(hub: Hub, repo: HubRepo, git: Git, tree: Path) -> None:
    git.commit(tree, {})
    git("tag", "-a", "-m", "Again", "m@v1.0.0#2", cwd=tree)
    said = check_refused(hub, repo, git, tree, "refs/tags/m@v1.0.0#2")
    assert "version v1.0.0 of 'm' is already registered" in said


def test_a_version_under_another_spelling_of_its_number(
    hub: Hub, repo: HubRepo, git: Git, tree: Path
) -> None:
    """Build metadata makes another version in SemVer; gto takes it for one, and so does the hub."""
    git.commit(tree, {})
    git("tag", "-a", "-m", "Again", "m@v1.0.0+build.1", cwd=tree)
    git("push", "-q", "origin", "m@v1.0.0+build.1", cwd=tree)
    assert [row[1] for row in hub.snapshot(repo.id)["versions"]] == ["v1.0.0", "v1.0.0+build.1"]


@pytest.mark.parametrize("tag", ["m@v1.0.0", "m#prod#1"])
def test_a_registered_tag_is_not_moved_or_deleted_without_the_right(
    hub: Hub, repo: HubRepo, machine: Machine, contributor: User, tree: Path, tag: str
) -> None:
    git = machine(contributor.token)
    clone = git.clone(repo.git_url, "clone")
    git("tag", "-f", "-a", "-m", "Moved", tag, "HEAD~1", cwd=clone)
    said = check_refused(hub, repo, git, clone, f"+refs/tags/{tag}")
    assert f"tag '{tag}' is part of the registry's history and cannot be moved" in said
    assert "deregister" in said
    said = check_refused(hub, repo, git, clone, f":refs/tags/{tag}")
    assert "cannot be deleted" in said


def test_a_contributor_registers_but_does_not_promote(
    hub: Hub, repo: HubRepo, machine: Machine, contributor: User, tree: Path
) -> None:
    git = machine(contributor.token)
    clone = git.clone(repo.git_url, "clone")
    git.commit(clone, {"file.txt": "second\n"})
    git("tag", "-a", "-m", "x", "m@v2.0.0", cwd=clone)
    git("push", "-q", "origin", "main", "m@v2.0.0", cwd=clone)
    for tag in ("m#prod#2", "m#prod!#3", "m@v1.0.0!", "m@deprecated"):
        git("tag", "-a", "-m", "x", tag, cwd=clone)
        assert "needs the role maintainer; you are contributor" in check_refused(
            hub, repo, git, clone, f"refs/tags/{tag}"
        )


def test_a_token_for_promotion_brings_no_new_commits(
    hub: Hub, repo: HubRepo, machine: Machine, owner: User, tree: Path
) -> None:
    git = machine(hub.token(owner.name, Scope.PROMOTE))
    clone = git.clone(repo.git_url, "clone")
    git("tag", "-a", "-m", "x", "m#staging#2", cwd=clone)
    git("push", "-q", "origin", "m#staging#2", cwd=clone)
    git.commit(clone, {"file.txt": "second\n"})
    git("tag", "-a", "-m", "x", "m@v2.0.0", cwd=clone)
    assert "brings a commit that the repo does not have" in check_refused(
        hub, repo, git, clone, "refs/tags/m@v2.0.0"
    )


def test_who_may_takes_tags_back(hub: Hub, repo: HubRepo, git: Git, tree: Path) -> None:
    git("push", "-q", "origin", ":refs/tags/m#prod#1", cwd=tree)
    assert hub.snapshot(repo.id)["stage_holders"] == []
    git("tag", "-f", "-a", "-m", "Moved", "m@v1.0.0", "HEAD~1", cwd=tree)
    git("push", "-q", "--force", "origin", "m@v1.0.0", cwd=tree)
    git("push", "-q", "origin", ":refs/tags/m@v1.0.0", cwd=tree)
    assert hub.snapshot(repo.id)["versions"] == []


@pytest.mark.parametrize("ref", ["v1.0", "V1.0.0", "m@1.0.0", "m@v1", "a.b", "m#prod#x"], ids=lambda ref: ref)
def test_tags_that_only_look_alike_are_plain_tags(
    hub: Hub, repo: HubRepo, git: Git, tree: Path, ref: str
) -> None:
    before = hub.snapshot(repo.id)["registry_events"]
    git("update-ref", f"refs/tags/{ref}", "HEAD", cwd=tree)
    git("push", "-q", "origin", f"refs/tags/{ref}", cwd=tree)
    assert hub.snapshot(repo.id)["registry_events"] == before


def test_what_gto_tolerates_is_accepted(hub: Hub, repo: HubRepo, git: Git, tree: Path) -> None:
    git.commit(tree, {})
    signed = b"\nSigned\n-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n"
    put_tag(git, tree, "m@v3.0.0#007", content_of(git, tree, b"m@v3.0.0#007", message=signed))
    put_tag(git, tree, "n@v1.0.0", content_of(git, tree, b"n@v1.0.0", message=b"\n"))
    git("push", "-q", "origin", "refs/tags/m@v3.0.0#007", "refs/tags/n@v1.0.0", cwd=tree)
    assert [row[:2] for row in hub.snapshot(repo.id)["versions"]] == [
        ("m", "v1.0.0"),
        ("m", "v3.0.0"),
        ("n", "v1.0.0"),
    ]


def test_a_name_that_a_command_could_take_for_an_option(
    hub: Hub, repo: HubRepo, git: Git, tree: Path
) -> None:
    git("update-ref", "refs/tags/-m@v1.0.0", "HEAD", cwd=tree)
    assert "is no valid name" in check_refused(hub, repo, git, tree, "refs/tags/-m@v1.0.0")


def test_an_object_that_git_itself_finds_broken(hub: Hub, repo: HubRepo, git: Git, tree: Path) -> None:
    content = git("cat-file", "commit", "HEAD", cwd=tree).replace(" <ada@example.org>", "").encode()
    commit = git("hash-object", "-t", "commit", "--literally", "-w", "--stdin", cwd=tree, input=content)
    said = check_refused(hub, repo, git, tree, f"{commit}:refs/heads/broken")
    assert "missingEmail" in said


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("100644 blob", ".git"),
        ("100644 blob", ".GIT"),
        ("100644 blob", "git~1"),
        ("100644 blob", ".g\u200cit"),
        ("040000 tree", ".git"),
        ("040000 tree", ".."),
        ("040000 tree", "."),
        ("120000 blob", ".gitmodules"),
    ],
)
def test_tree_entries_that_attack_a_checkout(
    hub: Hub, repo: HubRepo, git: Git, tree: Path, entry: str, name: str
) -> None:
    mode, kind = entry.split()
    target = git("rev-parse", "HEAD:file.txt" if kind == "blob" else "HEAD^{tree}", cwd=tree)
    content = mode.lstrip("0").encode() + b" " + name.encode() + b"\0" + bytes.fromhex(target)
    made = git("hash-object", "-t", "tree", "--literally", "-w", "--stdin", cwd=tree, input=content)
    commit = git("commit-tree", "-m", "Evil", "-p", "HEAD", made, cwd=tree)
    said = check_refused(hub, repo, git, tree, f"{commit}:refs/heads/evil")
    assert "fsck" in said or "object" in said


@pytest.mark.parametrize(
    "modules",
    [
        '[submodule "x"]\n\tpath = x\n\turl = -u./payload\n',
        '[submodule "../../x"]\n\tpath = x\n\turl = https://example.org/x\n',
        '[submodule "x"]\n\tpath = -x\n\turl = https://example.org/x\n',
        '[submodule "x"]\n\tpath = x\n\turl = https://example.org/x\n\tupdate = !touch /tmp/owned\n',
    ],
)
def test_gitmodules_that_attack_a_clone(hub: Hub, repo: HubRepo, git: Git, tree: Path, modules: str) -> None:
    git.commit(tree, {".gitmodules": modules})
    said = check_refused(hub, repo, git, tree, "HEAD:refs/heads/evil")
    assert "gitmodules" in said
