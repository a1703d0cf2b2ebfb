"""What the store sees of a push before it is accepted: asked from inside real pushes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from modelkeep.domain.errors import NotFound, TooLarge, Unavailable
from modelkeep.domain.objects import ZERO_ID
from modelkeep.git import incoming, maintenance, objects
from modelkeep.git.push_hook import Proposal, Verdict
from tests.contract.git.building import commit
from tests.contract.git.real_git import Git
from tests.contract.git.smart_http import SmartHttp

T = TypeVar("T")


@pytest.fixture
def work(git: Git, hub: SmartHttp, tmp_path: Path) -> Path:
    work = git.work_tree(
        tmp_path / "work", {"README.md": "# A\n", "base.txt": "line\n" * 500, "dir/keep": "k"}
    )
    git("remote", "add", "origin", hub.url, cwd=work)
    git("push", "-q", "origin", "main", cwd=work)
    return work


def ask(git: Git, hub: SmartHttp, work: Path, question: Callable[[Proposal], T], *refspecs: str) -> T:
    """Pushes, and answers the question while the push waits; the push is refused."""
    answers: list[T] = []

    def decide(proposal: Proposal) -> Verdict:
        answers.append(question(proposal))
        return Verdict(False, "asked")

    hub.decide = decide
    result = git.try_("push", "-q", "origin", *(refspecs or ("main",)), cwd=work)
    assert "asked" in result.err, result.err
    return answers[0]


def test_exactly_the_new_blobs_are_found(git: Git, hub: SmartHttp, work: Path, git_dir: Path) -> None:
    """The changed file comes as a delta against one that the hub has: Git completes the pack with a copy of that."""
    small, limit, big = b"tiny", b"x" * 1023, os.urandom(200_000)
    changed = b"line\n" * 499 + b"last\n"
    git.commit(work, {"small": small, "limit": limit, "over": b"y" * 1024, "big": big, "base.txt": changed})
    expected = {
        git("hash-object", "--stdin", input=content): (len(content), content if len(content) < 1024 else None)
        for content in (small, limit, b"y" * 1024, big, changed)
    }

    def question(proposal: Proposal) -> dict[str, tuple[int, bytes | None]]:
        found = list(incoming.new_blobs(git_dir, proposal.quarantine))
        assert len(found) == len({blob.id for blob in found})
        return {blob.id: (blob.size, blob.content) for blob in found}

    assert ask(git, hub, work, question) == expected
    maintenance.repack(git_dir)
    assert ask(git, hub, work, question) == expected
    assert list(incoming.new_blobs(git_dir, None)) == []


def test_blobs_are_named_by_where_they_are(git: Git, hub: SmartHttp, work: Path, git_dir: Path) -> None:
    git.commit(work, {"models/ü big.bin": b"first"})
    tip = git.commit(work, {"models/ü big.bin": b"second", "other": b"third"})
    blobs = {
        content: git("hash-object", "--stdin", input=content)
        for content in (b"first", b"second", b"third", b"k", b"no")
    }

    def question(proposal: Proposal) -> dict[str, list[str]]:
        tips = [update.new for update in proposal.updates]
        assert incoming.name_blobs(git_dir, proposal.quarantine, tips, []) == {}
        assert incoming.name_blobs(git_dir, proposal.quarantine, tips, list(blobs.values()), timeout=0) == {}
        return incoming.name_blobs(git_dir, proposal.quarantine, tips, list(blobs.values()))

    assert ask(git, hub, work, question) == {
        blobs[b"first"]: ["models/ü big.bin"],
        blobs[b"second"]: ["models/ü big.bin"],
        blobs[b"third"]: ["other"],
    }
    assert tip


def test_tags_and_commits_of_the_quarantine_are_seen(
    git: Git, hub: SmartHttp, work: Path, git_dir: Path
) -> None:
    old = git("rev-parse", "main", cwd=work)
    tip = git.commit(work, {"a": "1"})
    git("tag", "-a", "-m", "Register", "m@v1.0.0", cwd=work)
    tag_id = git("rev-parse", "m@v1.0.0", cwd=work)

    def question(proposal: Proposal) -> list[object]:
        raw = incoming.raw_tag_in(git_dir, proposal.quarantine, "m@v1.0.0", tag_id)
        assert raw.content is not None
        return [
            (raw.ref_name, raw.target, raw.target_type, raw.peeled_id, raw.peeled_type),
            incoming.commit_exists(git_dir, proposal.quarantine, tip),
            incoming.commit_exists(git_dir, None, tip),
            incoming.commit_exists(git_dir, None, old),
            incoming.commit_exists(git_dir, proposal.quarantine, tag_id),
            objects.is_ancestor(git_dir, old, tip, quarantine=proposal.quarantine),
            objects.is_ancestor(git_dir, tip, old, quarantine=proposal.quarantine),
        ]

    asked = ask(git, hub, work, question, "main", "m@v1.0.0")
    assert asked == [("m@v1.0.0", tag_id, "tag", tip, "commit"), True, False, True, False, True, False]
    light = incoming.raw_tag_in(git_dir, None, "light", old)
    assert (light.content, light.peeled_type) == (None, "commit")
    assert incoming.raw_tag_in(git_dir, None, "none", "1" * 40).target_type == "missing"
    with pytest.raises(NotFound):
        objects.is_ancestor(git_dir, old, tip)


def test_changed_paths_are_gits(git: Git, hub: SmartHttp, work: Path, git_dir: Path) -> None:
    old = git("rev-parse", "main", cwd=work)
    git("rm", "-q", "-r", "dir", cwd=work)
    new = git.commit(work, {"dir": "now a file", "base.txt": "changed", "deep/er/ü": "x"})
    by_git = git(
        "-c", "core.quotePath=false", "diff-tree", "-r", "--no-renames", "--name-only", old, new, cwd=work
    )
    locked = ["README.md", "dir/keep", "base.txt", "none", "deep/er/ü", "dir"]

    def question(proposal: Proposal) -> None:
        quarantine = proposal.quarantine
        assert incoming.changed_paths(git_dir, quarantine, old, new) == sorted(by_git.splitlines())
        assert incoming.changed_paths(git_dir, quarantine, new, new) == []
        everything = git(
            "-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", new, cwd=work
        ).splitlines()
        assert incoming.changed_paths(git_dir, quarantine, None, new) == sorted(everything)
        with pytest.raises(TooLarge):
            incoming.changed_paths(git_dir, quarantine, old, new, limit=3)
        among = incoming.changed_among(git_dir, quarantine, old, new, locked)
        assert among == ["dir/keep", "base.txt", "deep/er/ü", "dir"]
        assert incoming.changed_among(git_dir, quarantine, None, new, ["README.md", "none"]) == ["README.md"]

    ask(git, hub, work, question)
    with pytest.raises(NotFound):
        incoming.changed_paths(git_dir, None, old, new)


def test_a_missing_quarantine_is_reported(git_dir: Path, tmp_path: Path) -> None:
    made = commit(git_dir, {"a": b"1"})
    with pytest.raises(Unavailable):
        list(incoming.new_blobs(git_dir, tmp_path / "gone"))
    assert not incoming.commit_exists(git_dir, tmp_path / "gone", ZERO_ID)
    assert incoming.commit_exists(git_dir, tmp_path / "gone", made)


def test_maintenance_keeps_everything(git: Git, hub: SmartHttp, work: Path, git_dir: Path) -> None:
    for number in range(6):
        git.commit(work, {f"f{number}": "x" * number})
        git("tag", "-a", "-m", "x", f"m@v0.0.{number}", cwd=work)
        git("push", "-q", "origin", "main", "--tags", cwd=work)
    before = git("--git-dir", git_dir, "rev-list", "--objects", "--all").splitlines()
    maintenance.repack(git_dir)
    assert git("--git-dir", git_dir, "rev-list", "--objects", "--all").splitlines() == before
    assert len(list((git_dir / "objects/pack").glob("*.pack"))) < 6
    assert maintenance.fsck(git_dir) == []
    tip = git("rev-parse", "main", cwd=work)
    assert objects.read_commit(git_dir, tip).id == tip
    git.commit(work, {"after": "1"})
    git("push", "-q", "origin", "main", cwd=work)
    assert objects.resolve_commit(git_dir, git("rev-parse", "main", cwd=work)) is not None
    for pack in (git_dir / "objects/pack").glob("*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(pack.read_bytes()[:-30])
    assert maintenance.fsck(git_dir) != []
