"""Where repositories lie, and how they come and go."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from modelkeep.domain.errors import AlreadyExists, InvalidInput, NotFound, Unavailable
from modelkeep.git import library, process
from modelkeep.git.repositories import Repositories, read_default_branch
from tests.contract.git.building import on_branch
from tests.contract.git.real_git import Git


def test_a_new_repository_is_empty_and_what_git_expects(repositories: Repositories, git: Git) -> None:
    repo_id = uuid.uuid4().hex
    assert not repositories.exists(repo_id)
    repositories.create(repo_id, "trunk")
    path = repositories.path(repo_id)
    assert path == repositories.root / repo_id[:2] / f"{repo_id}.git"
    assert repositories.exists(repo_id)
    assert list(repositories.ids()) == [repo_id]
    assert read_default_branch(path) == "trunk"
    git("--git-dir", path, "fsck", "--strict")
    settings = git("--git-dir", path, "config", "--list", "--local").splitlines()
    assert {"core.bare=true", "transfer.fsckobjects=true", "receive.unpacklimit=1", "gc.auto=0"} <= set(
        settings
    )
    assert {
        "transfer.hiderefs=refs/internal",
        "uploadpackfilter.allow=false",
        "core.hookspath=/dev/null",
    } <= set(settings)
    assert not (path / "hooks").exists()
    assert repositories.size_bytes(repo_id) > 0
    repositories.check()


def test_an_id_is_taken_once(repositories: Repositories) -> None:
    repo_id = uuid.uuid4().hex
    repositories.create(repo_id, "main")
    with pytest.raises(AlreadyExists):
        repositories.create(repo_id, "main")
    assert list((repositories.root / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    "repo_id",
    [
        "",
        "..",
        "../../etc",
        "A" * 32,
        "g" * 32,
        "a" * 31,
        "a" * 33,
        "a" * 32 + "\n",
        "a" * 31 + "/",
        "\x00" * 32,
    ],
)
def test_only_ids_name_repositories(repositories: Repositories, repo_id: str) -> None:
    for call in (repositories.path, repositories.exists, repositories.delete, repositories.size_bytes):
        with pytest.raises(InvalidInput):
            call(repo_id)


@pytest.mark.parametrize(
    "branch", ["", "-x", "a..b", "a b", "a.lock", "x\ny", "HEAD", "a\x00b", "/a", "a//b", "@{1}", "\udcff"]
)
def test_bad_branch_names_are_refused(repositories: Repositories, branch: str) -> None:
    repo_id = uuid.uuid4().hex
    with pytest.raises(InvalidInput):
        repositories.create(repo_id, branch)
    assert not repositories.exists(repo_id)


def test_the_default_branch_moves(repositories: Repositories) -> None:
    repo_id = uuid.uuid4().hex
    repositories.create(repo_id, "main")
    repositories.set_default_branch(repo_id, "feature/ü")
    assert read_default_branch(repositories.path(repo_id)) == "feature/ü"
    with pytest.raises(InvalidInput):
        repositories.set_default_branch(repo_id, "-d")
    with pytest.raises(NotFound):
        repositories.set_default_branch(uuid.uuid4().hex, "main")


def test_deleting_is_final_and_repeatable(repositories: Repositories) -> None:
    repo_id = uuid.uuid4().hex
    repositories.create(repo_id, "main")
    on_branch(repositories.path(repo_id), {"a": b"1"})
    repositories.delete(repo_id)
    repositories.delete(repo_id)
    assert not repositories.exists(repo_id)
    assert list(repositories.ids()) == []
    assert repositories.size_bytes(repo_id) == 0
    with pytest.raises(Unavailable):
        library.open_repository(repositories.path(repo_id))
    repositories.create(repo_id, "main")


def test_a_sweep_removes_what_is_old_and_nothing_else(repositories: Repositories, git: Git) -> None:
    repo_id = uuid.uuid4().hex
    repositories.create(repo_id, "main")
    path = repositories.path(repo_id)
    tip = on_branch(path, {"a": b"1"})
    rubbish = [
        path / "refs/heads/main.lock",
        path / "packed-refs.lock",
        path / "objects/tmp_objdir-incoming-abc/pack/tmp_pack_1",
        path / "objects/pack/tmp_pack_2",
        repositories.root / "incoming/half/config",
        repositories.root / "trash/gone/HEAD",
    ]
    for file in rubbish:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    assert repositories.sweep() == 0
    for file in rubbish:
        for one in (file, *file.parents[:3]):
            os.utime(one, (1, 1))
    assert repositories.sweep() == len(rubbish)
    assert not any(file.exists() for file in rubbish)
    assert git("--git-dir", path, "rev-parse", "main") == tip
    git("--git-dir", path, "fsck", "--strict")


def test_a_failing_git_is_unavailable_and_says_why_in_a_note(git_dir: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        process.run(["cat-file", "-p", "nothing"], git_dir=git_dir)
    assert "nothing" in caught.value.__notes__[0]
    assert str(git_dir) not in caught.value.message


def test_a_slow_git_is_stopped(git_dir: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        process.attempt(["-c", "alias.wait=!sleep 60", "wait"], git_dir=git_dir, timeout=0.2)
    assert caught.value.code == "git_timeout"


def test_git_reaches_no_network_and_reads_no_configuration(git_dir: Path, tmp_path: Path) -> None:
    for url in (
        "https://127.0.0.1:1/x",
        "file:///etc",
        "ext::sh -c true",
        str(tmp_path),
        "git://127.0.0.1/x",
    ):
        done = process.attempt(["ls-remote", "--", url], git_dir=git_dir)
        assert done.code != 0
        assert "not allowed" in done.errors
    listed = process.run(["config", "--list", "--show-scope"], git_dir=git_dir).decode()
    assert {line.split("\t")[0] for line in listed.splitlines()} == {"local", "command"}
