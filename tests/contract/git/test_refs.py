"""Refs agree with git's own view of them, and move only from where they were."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelkeep.domain.digest import EMPTY, moved
from modelkeep.domain.errors import AlreadyExists, Conflict, InvalidInput, ModelkeepError, Unavailable
from modelkeep.domain.objects import ZERO_ID, RefUpdate
from modelkeep.git import library, process, refs
from tests.contract.git.building import commit, on_branch, tag
from tests.contract.git.real_git import Git

FIXTURE_KEPT = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def by_git(git: Git, git_dir: Path) -> list[tuple[str, str, str]]:
    """Name, target, commit as git has them."""
    layout = "%(refname)%09%(objectname)"
    lines = git(
        "--git-dir", git_dir, "for-each-ref", f"--format={layout}", "refs/heads/", "refs/tags/"
    ).splitlines()
    found = []
    for name, target in (line.split("\t") for line in lines):
        peeled = git.try_("--git-dir", git_dir, "rev-parse", "-q", "--verify", f"{name}^{{commit}}")
        found.append((name, target, peeled.out.strip()))
    return found


def listed(git_dir: Path) -> list[tuple[str, str, str]]:
    return [(ref.name, ref.target, ref.commit or "") for ref in refs.list_refs(git_dir)]


def test_loose_packed_and_mixed_refs_read_as_git_reads_them(git: Git, git_dir: Path) -> None:
    first = on_branch(git_dir, {"a": b"1"})
    second = on_branch(git_dir, {"a": b"2"})
    tag(git_dir, "m@v1.0.0", first)
    tag(git_dir, "m#prod#1", first)
    refs.create_ref(git_dir, "refs/tags/light", second)
    refs.create_ref(git_dir, "refs/heads/deep/er/ü", first)
    blob, tree = (
        str(library.open_repository(git_dir).revparse_single(spec).id) for spec in ("main:a", "main^{tree}")
    )
    refs.create_ref(git_dir, "refs/tags/blob", blob)
    refs.create_ref(git_dir, "refs/tags/tree", tree)
    git("--git-dir", git_dir, "tag", "-a", "-m", "x", "of-blob", blob)
    git("--git-dir", git_dir, "tag", "-a", "-m", "x", "of-tag", "m@v1.0.0")
    expected, digest = by_git(git, git_dir), refs.digest(git_dir)
    assert listed(git_dir) == expected
    git("--git-dir", git_dir, "pack-refs", "--all")
    assert (listed(git_dir), refs.digest(git_dir)) == (expected, digest)
    third = on_branch(git_dir, {"a": b"3"})
    refs.delete_ref(git_dir, "refs/tags/light", second)
    expected = by_git(git, git_dir)
    assert listed(git_dir) == expected
    assert ("refs/heads/main", third, third) in expected
    names = [name for name, _, _ in expected]
    assert [(r.name, r.target, r.commit or "") for r in refs.read_refs(git_dir, names).values()] == expected
    assert refs.read_refs(git_dir, ["refs/tags/light", "refs/heads/none", "../../HEAD", "HEAD", ""]) == {}


def test_packed_refs_of_an_old_git_read_the_same(git: Git, git_dir: Path) -> None:
    """Without peeled values in the file, and without its header."""
    tag(git_dir, "m@v1.0.0", on_branch(git_dir, {"a": b"1"}))
    expected = listed(git_dir)
    git("--git-dir", git_dir, "pack-refs", "--all")
    packed = git_dir / "packed-refs"
    packed.write_text("".join(line for line in packed.read_text().splitlines(True) if line[0] not in "#^"))
    assert listed(git_dir) == expected


def test_broken_refs_are_passed_over(git_dir: Path) -> None:
    tip = on_branch(git_dir, {"a": b"1"})
    (git_dir / "refs/heads/empty").write_bytes(b"")
    (git_dir / "refs/heads/text").write_bytes(b"hello\n")
    (git_dir / "refs/heads/symbolic").write_bytes(b"ref: refs/heads/main\n")
    (git_dir / "refs/heads/main.lock").write_bytes(b"")
    (git_dir / "refs/tags/dangling").write_text("1" * 40 + "\n")
    assert listed(git_dir) == [("refs/heads/main", tip, tip), ("refs/tags/dangling", "1" * 40, "")]
    assert refs.read_refs(git_dir, ["refs/heads/empty", "refs/heads/text"]) == {}


def test_a_missing_repository_is_unavailable(tmp_path: Path) -> None:
    for call in (refs.list_refs, refs.digest):
        with pytest.raises(Unavailable):
            call(tmp_path / "none.git")


def test_the_digest_can_be_kept_incrementally(git_dir: Path) -> None:
    chance, kept, state = random.Random(3), EMPTY, dict[str, str]()
    targets = [commit(git_dir, {"n": b"%d" % number}) for number in range(5)]
    for step in range(40):
        name = f"refs/{chance.choice(['heads', 'tags'])}/r{chance.randrange(8)}"
        old, new = state.get(name, ZERO_ID), chance.choice([*targets, ZERO_ID])
        if old == new:
            continue
        refs.update_ref(git_dir, name, new, old)
        gone, come = ([(name, target)] if target != ZERO_ID else [] for target in (old, new))
        kept = moved(kept, removed=gone, added=come)
        state = {**state, name: new} if new != ZERO_ID else {k: v for k, v in state.items() if k != name}
        if step % 10 == 5:
            process.run(["pack-refs", "--all"], git_dir=git_dir)
        assert refs.digest(git_dir) == kept


def test_each_wrong_change_has_its_error(git_dir: Path) -> None:
    first = on_branch(git_dir, {"a": b"1"})
    second = on_branch(git_dir, {"a": b"2"})
    tree = str(library.open_repository(git_dir).revparse_single("main^{tree}").id)
    digest = refs.digest(git_dir)
    cases: list[tuple[type[ModelkeepError], str, list[RefUpdate]]] = [
        (AlreadyExists, "ref_exists", [RefUpdate("refs/heads/main", ZERO_ID, first)]),
        (Conflict, "ref_changed", [RefUpdate("refs/heads/main", first, first)]),
        (Conflict, "ref_changed", [RefUpdate("refs/heads/main", first, ZERO_ID)]),
        (Conflict, "ref_changed", [RefUpdate("refs/heads/none", first, second)]),
        (Conflict, "ref_changed", [RefUpdate("refs/heads/none", first, ZERO_ID)]),
        (Conflict, "ref_name_clash", [RefUpdate("refs/heads/main/x", ZERO_ID, first)]),
        (InvalidInput, "invalid_ref_target", [RefUpdate("refs/heads/x", ZERO_ID, "1" * 40)]),
        (InvalidInput, "invalid_ref_target", [RefUpdate("refs/heads/x", ZERO_ID, tree)]),
        (InvalidInput, "invalid_ref_name", [RefUpdate("refs/heads/a\nb", ZERO_ID, first)]),
        (InvalidInput, "invalid_ref_name", [RefUpdate("HEAD", ZERO_ID, first)]),
        (InvalidInput, "invalid_object_id", [RefUpdate("refs/heads/x", ZERO_ID, "main")]),
        (InvalidInput, "duplicate_ref", [RefUpdate("refs/heads/x", ZERO_ID, first)] * 2),
    ]
    for kind, code, updates in cases:
        with pytest.raises(kind) as caught:
            refs.update_refs(git_dir, [RefUpdate("refs/heads/also", ZERO_ID, first), *updates])
        assert (caught.value.code, type(caught.value)) == (code, kind)
        assert str(git_dir) not in caught.value.message
    (git_dir / "refs/heads/held.lock").write_bytes(b"")
    with pytest.raises(Unavailable) as held:
        refs.create_ref(git_dir, "refs/heads/held", first)
    assert held.value.code == "ref_locked"
    assert refs.digest(git_dir) == digest


def test_of_racing_writers_one_wins(git_dir: Path) -> None:
    first = on_branch(git_dir, {"a": b"1"})
    rivals = [commit(git_dir, {"a": b"%d" % number}, first) for number in range(8)]
    won: list[str] = []

    def race(mine: str) -> None:
        try:
            refs.update_ref(git_dir, "refs/heads/main", mine, first)
            won.append(mine)
        except (Conflict, Unavailable):
            pass

    threads = [threading.Thread(target=race, args=(rival,)) for rival in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [refs.read_refs(git_dir, ["refs/heads/main"])["refs/heads/main"].target] == won


name_texts = st.lists(
    st.sampled_from([*"ab.-/~^:?*[\\ @{}\x00\x7f\nü", ".lock", "..", "@{", "//", "HEAD"]), max_size=8
).map("".join)


@given(name_texts)
@FIXTURE_KEPT
def test_names_are_judged_as_git_judges_them(git: Git, tail: str) -> None:
    name = f"refs/heads/{tail}"
    if "\x00" in name:
        assert not refs.is_valid_name(name)
        return
    ours_only = tail.startswith("-") or tail == "HEAD"
    assert refs.is_valid_name(name) == (git.try_("check-ref-format", name).code == 0 and not ours_only)


@pytest.mark.parametrize(
    "name", ["HEAD", "main", "refs", "refs/", "/refs/heads/x", "refs/heads/\udcff", "refs/tags/" + "a" * 251]
)
def test_names_outside_are_refused(name: str) -> None:
    assert not refs.is_valid_name(name)
