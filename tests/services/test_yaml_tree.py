"""YAML of strangers: read as YAML 1.2 with lines, never for long, never into much."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from modelkeep.services.annotation_files import read_artifacts_yaml, read_dvc_yaml
from modelkeep.services.dvc_files import checksum_of_dvc_file
from modelkeep.services.yaml_tree import MAX_BYTES, MAX_NODES, YamlFault, read_yaml
from modelkeep.services.yaml_values import Values


def value(text: str) -> object:
    root = read_yaml(text.encode()).root
    return None if root is None else Values().of(root)


def fault(content: bytes) -> YamlFault:
    with pytest.raises(YamlFault) as raised:
        _read(content)
    return raised.value


def _read(content: bytes) -> None:
    root = read_yaml(content).root
    assert root is not None
    Values().of(root)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", 1000),
        ("12:30", "12:30"),
        ("1.5e3", 1500.0),
        (".inf", ".inf"),
        ("1e400", "1e400"),
        ("~", None),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("!!int x", "x"),
        ("2026-03-01", "2026-03-01"),
        ("9" * 50, "9" * 50),
        ("{1: a, true: b}", {"1": "a", "true": "b"}),
        ("a: &x {b: 1}\nc: {<<: *x, d: 2}", {"a": {"b": 1}, "c": {"d": 2, "b": 1}}),
        ("a: {<<: [{b: 1}, {b: 2, c: 3}], b: 0}", {"a": {"b": 0, "c": 3}}),
        ("", None),
        ("# only a comment", None),
        ("--- {}", {}),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_what_text_means(text: str, expected: object) -> None:
    assert value(text) == expected
    assert type(value(text)) is type(expected)


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"a: [", "bad_yaml", 2),
        (b"a: 1\n b: 2", "bad_yaml", 2),
        (b"a:\n\tb: 1", "bad_yaml", 2),
        (b"a: \x07", "bad_yaml", 1),
        (b"a: 1\nb: \xff", "not_utf8", 2),
        (b"\xff\xfea\0", "not_utf8", 1),
        (b"a: 1\n--- \nb: 2\n", "several_documents", 2),
        (b"a:\n  b: 1\n  b: 2", "duplicate_key", 3),
        (b"a: !!python/object:os.system {}", "unknown_tag", 1),
        (b"a: !mine x", "unknown_tag", 1),
        (b"a: {[b]: c}", "compound_key", 1),
        (b"a: *b", "unknown_alias", 1),
        (b"a: &b [*b]", "alias_of_itself", 1),
        (b"a: {<<: 1}", "bad_merge", 1),
        (b"[" * MAX_BYTES, "too_deep", 1),
        (b"{a: " * 10_000, "too_deep", 1),
        (b"- " * 10_000, "too_deep", 1),
        (b"\n".join(b" " * n + b"a:" for n in range(500)), "too_deep", 51),
        (b"-\n" * (MAX_NODES + 1), "too_many_nodes", MAX_NODES),
        (b"a" * (MAX_BYTES + 1), "file_too_large", None),
    ],
)
def test_what_is_refused(content: bytes, code: str, line: int | None) -> None:
    found = fault(content)
    assert (found.code, found.line) == (code, line)


def test_aliases_that_make_much_of_little() -> None:
    laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
    laughs += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))
    assert fault(laughs.encode()).code == "too_much_expanded"
    long = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 1000)}]"
    assert fault(long.encode()).code == "too_much_expanded"
    merges = "a0: &a0 {k: 1}\n" + "".join(
        f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40)
    )
    assert fault(merges.encode()).code == "too_much_expanded"


PIECES = (
    "a b artifacts outs path type labels md5 : :\n - \n \n  \n    # { } [ ] , ' \" | > & * &a *a ! !!str << ? --- ... "
    "% true 1 1.5 ~ 2026-01-01 \\ \r\n \t é 😀 \x00 \x85 \u2028 \ufeff"
).split(" ")
pieces = st.lists(st.sampled_from([*PIECES, " ", "\n", ": ", "- ", "\n  "]), max_size=60).map("".join)


@settings(max_examples=600, deadline=None)
@given(
    st.binary(max_size=200)
    | pieces.map(str.encode)
    | pieces.map(lambda t: b"artifacts:\n  a:\n    " + t.encode())
)
def test_nothing_that_anybody_writes_raises(content: bytes) -> None:
    for reading in (read_artifacts_yaml(content), read_dvc_yaml(content, "models/dvc.yaml")):
        for problem in reading.problems:
            assert problem.reason
            assert problem.remedy
            assert (
                problem.line is None or 1 <= problem.line <= content.count(b"\n") + content.count(b"\r") + 600
            )
        assert set(reading.annotations) == set(reading.lines)
    checksum_of_dvc_file(content)


SPELLINGS = (
    "a, 'it''s', \"q\\n\\u00e9\", yes, no, on, off, y, true, TRUE, tRue, null, Null, nULL, ~, 1, 010, 0o17, 0x1F, "
    "0b101, 1_000, +5, -5, 1.5, 1., .5, 1e3, 1.5E-3, 12:30, 12:30:45, .1.2, 1.2.3, v1.2.3, é 😀, a b, a:b, a#b, s3:/x, "
    "@x, a@b, {}, [], {a: b}, [a, 'b', 1], {a: [b, {c: d}]}, !!str 1, !!int '7', !!float 1, *one, <<, =, -, "
    "- , -a, ?a, %a, >-, '', \"\", a\n  b, |\n  a\n   b\n, >\n  a\n  b\n\n  c, |-\n  a, |+\n  a\n, 0.1, "
    "00, -0, +, -, ., .."
).split(", ")


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(SPELLINGS), max_size=6), st.booleans())
def test_it_means_what_gto_reads(found: list[str], windows: bool) -> None:
    comment = {"|": "", ">": ""}
    lines = [f"k{n}: {each}{comment.get(each[0], ' # c')}\n" for n, each in enumerate(found)]
    text = "k: &one {x: y}\n" + "".join(lines)
    text = text.replace("\n", "\r\n") if windows else text
    try:
        theirs = YAML(typ="safe", pure=True).load(io.StringIO(text))
    except (YAMLError, ValueError, TypeError, AttributeError, IndexError, KeyError):
        return  # where gto stops, we may read on
    assert repr(value(text)) == repr(theirs)
