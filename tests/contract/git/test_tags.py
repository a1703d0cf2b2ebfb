"""Tags as git and GTO see them, whoever wrote them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.objects import RawTag, Signature
from modelkeep.git import library, refs, tags
from modelkeep.git.object_format import (
    format_signature,
    parse_commit_object,
    parse_signature,
    parse_tag_object,
)
from tests.contract.git.building import ADA, on_branch, tag
from tests.contract.git.real_git import Git


def test_a_tag_object_is_exactly_what_was_asked_for(git: Git, git_dir: Path) -> None:
    tip = on_branch(git_dir, {"a": b"1"})
    made = tag(git_dir, "nested/m@v1.0.0", tip, "Registering\n\nbody")
    content = git("--git-dir", git_dir, "cat-file", "tag", made)
    seconds = int(ADA.when.timestamp())
    assert content == (
        f"object {tip}\ntype commit\ntag nested/m@v1.0.0\n"
        f"tagger Ada Lovelace <ada@example.org> {seconds} +0545\n\nRegistering\n\nbody"
    )
    git("--git-dir", git_dir, "fsck", "--strict")
    parsed = parse_tag_object(next(iter(tags.read_tags(git_dir))).content or b"")
    assert (parsed.tagger, parsed.message) == (ADA, "Registering\n\nbody\n")
    assert parsed.tagger is not None
    assert parsed.tagger.when.utcoffset() == timedelta(hours=5, minutes=45)


@pytest.mark.parametrize("name", ["", "a b", "a..b", "x.lock", "a\nb", "\x00", "-d"])
def test_bad_names_are_refused(git_dir: Path, name: str) -> None:
    tip = on_branch(git_dir, {"a": b"1"})
    with pytest.raises(InvalidInput):
        tags.create_tag_object(git_dir, name=name, target_commit=tip, tagger=ADA, message="x")


def test_only_commits_are_tagged(git_dir: Path) -> None:
    on_branch(git_dir, {"a": b"1"})
    blob = str(library.open_repository(git_dir).revparse_single("main:a").id)
    for target in (blob, "1" * 40):
        with pytest.raises(InvalidInput):
            tags.create_tag_object(git_dir, name="x", target_commit=target, tagger=ADA, message="x")


def test_every_kind_of_tag_is_reported(git: Git, git_dir: Path) -> None:
    tip = on_branch(git_dir, {"a": b"1"})
    blob, tree = (
        str(library.open_repository(git_dir).revparse_single(spec).id) for spec in ("main:a", "main^{tree}")
    )
    plain = tag(git_dir, "plain", tip)
    refs.create_ref(git_dir, "refs/tags/light", tip)
    refs.create_ref(git_dir, "refs/tags/to-blob", blob)
    git("--git-dir", git_dir, "tag", "-a", "-m", "x", "of-tree", tree)
    git("--git-dir", git_dir, "tag", "-a", "-m", "x", "of-tag", plain)
    odd = git(
        "--git-dir",
        git_dir,
        "hash-object",
        "-t",
        "tag",
        "-w",
        "--literally",
        "--stdin",
        input=b"no tag at all",
    )
    (git_dir / "refs/tags/broken").write_text(odd + "\n")
    (git_dir / "refs/tags/dangling").write_text("1" * 40 + "\n")
    found = {
        raw.ref_name: (raw.target_type, raw.direct_type, raw.peeled_type, raw.peeled_id)
        for raw in tags.read_tags(git_dir)
    }
    assert found == {
        "broken": ("tag", "missing", "missing", odd),
        "dangling": ("missing", "missing", "missing", "1" * 40),
        "light": ("commit", "commit", "commit", tip),
        "of-tag": ("tag", "tag", "commit", tip),
        "of-tree": ("tag", "tree", "tree", tree),
        "plain": ("tag", "commit", "commit", tip),
        "to-blob": ("blob", "blob", "blob", blob),
    }
    assert [raw.ref_name for raw in tags.read_tags(git_dir, ["of-tag", "none", "light"])] == [
        "of-tag",
        "light",
    ]
    walked = list(tags.walk_refs(git_dir))
    assert [ref for ref, _ in walked] == refs.list_refs(git_dir)
    assert [raw for _, raw in walked if raw is not None] == list(tags.read_tags(git_dir))


def test_many_tags_read_the_same_together_and_apart(git: Git, git_dir: Path) -> None:
    tip = on_branch(git_dir, {"a": b"1"})
    lines = [f"reset refs/heads/x\nfrom {tip}\n\n"]
    for number in range(700):
        lines.append(
            f"tag m@v0.{number}.0\nfrom {tip}\ntagger A <a@b> 17000000{number % 100:02d} +0100\ndata 2\nx\n\n"
        )
    git("--git-dir", git_dir, "fast-import", "--quiet", input="".join(lines).encode())
    for number in range(20):
        refs.create_ref(git_dir, f"refs/tags/light{number}", tip)
    (git_dir / "refs/tags/dangling").write_text("1" * 40 + "\n")

    def compare() -> None:
        whole = list(tags.read_tags(git_dir))
        names = [raw.ref_name for raw in whole]
        single: list[RawTag] = []
        for start in range(0, len(names), 100):
            single += tags.read_tags(git_dir, names[start : start + 100])
        assert len(whole) == 721
        assert whole == single
        walked = list(tags.walk_refs(git_dir))
        assert [ref for ref, _ in walked] == refs.list_refs(git_dir)
        assert [raw for _, raw in walked if raw is not None] == whole
        assert all(raw.content for raw in whole if raw.ref_name.startswith("m@"))

    compare()
    git("--git-dir", git_dir, "pack-refs", "--all")
    compare()


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parsers(content: bytes) -> None:
    parsed = parse_tag_object(content)
    assert (parsed.tagger is None) == (parsed.tagger_problem is not None)
    assert (parsed.message is None) == (parsed.message_problem is not None)
    parse_commit_object("1" * 40, content)


fragments = st.sampled_from(
    [
        b"object " + b"a" * 40,
        b"object ",
        b"type commit",
        b"type tag",
        b"type x",
        b"tag n",
        b"tag \xff",
        b"\n",
        b"\n\n",
        b"tagger ",
        b"tagger A <a> 1 +0000",
        b"tagger \xff <a> 1 +0000",
        b"tagger A <a> 99999999999999999999 +0000",
        b"tagger A <a> 1 +9999",
        b"tagger A <a> 253370764799 +2359",
        b"tagger A 1",
        b"tree " + b"b" * 40,
        b"parent " + b"c" * 40,
        b"author A <a> 1 -2359",
        b"committer \xff",
        b"encoding idna",
        b"encoding latin-1",
        b"encoding hex",
        b"message \xff",
        b"\0",
    ]
)


@given(st.lists(fragments, max_size=12).map(b"\n".join))
def test_no_arrangement_of_headers_breaks_the_parsers(content: bytes) -> None:
    parsed = parse_tag_object(content)
    assert (parsed.tagger is None) == (parsed.tagger_problem is not None)
    made = parse_commit_object("1" * 40, content)
    assert made is None or made.author.when.tzinfo is not None


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (b"", "it has no tagger"),
        (b"\ntagger \xff <a@b> 1 +0000", "its tagger is not UTF-8"),
        (b"\ntagger Ada 1 +0000", "its tagger is not 'name <e-mail> time zone'"),
        (b"\ntagger Ada <a@b> 1 +2400", "its tagger's date is out of range"),
        (b"\ntagger Ada <a@b> 999999999999 +0000", "its tagger's date is out of range"),
    ],
)
def test_an_unusable_tagger_has_a_reason(head: bytes, problem: str) -> None:
    parsed = parse_tag_object(b"object " + b"a" * 40 + b"\ntype commit\ntag m@v1.0.0" + head + b"\n\nhello\n")
    assert (parsed.tagger, parsed.tagger_problem) == (None, problem)
    assert (parsed.object, parsed.type, parsed.name, parsed.message) == (
        "a" * 40,
        "commit",
        b"m@v1.0.0",
        "hello\n",
    )


def test_messages_that_break_gto_have_a_reason() -> None:
    head = b"object " + b"a" * 40 + b"\ntype commit\ntag x\ntagger A <a> 1 +0000"
    assert parse_tag_object(head).message_problem == "it has no message"
    assert parse_tag_object(head + b"\n\n\xff").message_problem == "its message is not UTF-8"
    assert parse_tag_object(head + b"\n\n").message == ""


zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.integers(0, 253_000_000_000)
people = st.text(st.characters(codec="utf-8"), max_size=20)


@given(people, people, moments, zones)
def test_what_is_written_is_read_back(name: str, email: str, seconds: int, zone: timezone) -> None:
    when = datetime.fromtimestamp(seconds, zone)
    written = format_signature(Signature(name, email, when))
    assert b"\n" not in written
    read, problem = parse_signature(written)
    assert problem == ""
    assert read is not None
    assert (read.when, read.when.utcoffset()) == (when, when.utcoffset())
    assert format_signature(read) == written


@pytest.mark.parametrize("when", [datetime(2026, 1, 1), datetime(1969, 12, 31, tzinfo=timezone.utc)])  # noqa: DTZ001, UP017
def test_a_time_that_git_cannot_hold_is_refused(when: datetime) -> None:
    with pytest.raises(InvalidInput):
        format_signature(Signature("A", "a@b", when))
