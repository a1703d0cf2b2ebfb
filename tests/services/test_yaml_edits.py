"""Changes of YAML files that people wrote: what is changed says the new thing, and every other byte is as it was."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from modelkeep.domain.artifacts import Json
from modelkeep.services.yaml_edits import remove_value, set_value
from modelkeep.services.yaml_tree import YamlFault

WRITTEN = """\
# The models of the churn team.
churn:   # nightly
    type:   model     # a word
    path: "models/m.pkl"   # quoted
    labels: # why they are here
      - tabular   # first
      - 'binary'
      # for the dashboard
      - daily
    description: >-
        folded
        text
    custom:
        owner: ana # ask her
        tags: [x, "y"] # two
    # path: old.pkl

other: {type: model , labels: [ a, b ]}
last: {}
# The end.
"""


def load(content: bytes) -> Any:
    """As gto reads it."""
    return YAML(typ="safe", pure=True).load(io.BytesIO(content))


def changed(text: str, path: tuple[str, ...], value: Json) -> str:
    return set_value(text.encode(), path, value).decode()


def without(text: str, path: tuple[str, ...]) -> str:
    return remove_value(text.encode(), path).decode()


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (("churn", "type"), "dataset", "type:   model     #", "type:   dataset     #"),
        (("churn", "path"), "m 2.pkl", '"models/m.pkl"   #', '"m 2.pkl"   #'),
        (("churn", "labels"), ["tabular", "binary", "daily", "new"], "- daily\n", "- daily\n      - new\n"),
        (("churn", "labels"), ["tabular", "daily"], "      - 'binary'\n", ""),
        (("churn", "custom"), {"owner": "bob", "tags": ["x", "y"]}, "owner: ana #", "owner: bob #"),
        (("churn", "custom"), {"owner": "ana", "tags": ["x"]}, '[x, "y"]', "[x]"),
        (("churn", "custom", "tags"), ["x", "y", "z"], '"y"]', '"y", z]'),
        (("churn", "virtual"), False, "two\n", "two\n    virtual: false\n"),
        (("churn", "description"), "a\nb", ">-\n        folded\n        text", "|-\n        a\n        b"),
        (("other", "labels"), ["b"], "[ a, b ]", "[ b ]"),
        (("other", "description"), "it, says", "b ]}", "b ], description: 'it, says'}"),
        (("last", "type"), "model", "last: {}", "last:\n    type: model"),
        (("new",), {"labels": ["a"]}, "# The end.\n", "# The end.\nnew:\n    labels:\n      - a\n"),
    ],
)
def test_one_place_changes(path: tuple[str, ...], value: Json, old: str, new: str) -> None:
    assert WRITTEN.count(old) == 1
    assert changed(WRITTEN, path, value) == WRITTEN.replace(old, new)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (("churn", "path"), '    path: "models/m.pkl"   # quoted\n', ""),
        (("churn", "description"), "    description: >-\n        folded\n        text\n", ""),
        (("churn", "custom", "owner"), "        owner: ana # ask her\n", ""),
        (("other", "type"), "{type: model , ", "{"),
        (("other", "labels"), " , labels: [ a, b ]", " "),
        (("last",), "last: {}\n", ""),
        (("nothing",), "", ""),
        (("churn", "nothing"), "", ""),
    ],
)
def test_one_place_goes(path: tuple[str, ...], old: str, new: str) -> None:
    if path == ("other", "labels"):
        old, new = "model , labels: [ a, b ]", "model"
    assert without(WRITTEN, path) == (WRITTEN.replace(old, new) if old else WRITTEN)


NEW = {"type": "model", "labels": ["a"]}
BLOCK = "new:\n  type: model\n  labels:\n  - a\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", BLOCK),
        ("# only this", "# only this\n" + BLOCK),
        ("{}", BLOCK.removesuffix("\n")),
        ("{} # none yet\n", "# none yet\n" + BLOCK),
        ("---\n", "---\n" + BLOCK),
        ("---\n# c\n...\n", "---\n# c\n" + BLOCK + "...\n"),
        ("~\n", BLOCK),
        ("\ufeffa: {}\n", "\ufeffa: {}\n" + BLOCK),
        ("a: {}", "a: {}\n" + BLOCK),
        ("a: {}\r\n", "a: {}\r\n" + BLOCK.replace("\n", "\r\n")),
        ("a: {}\n...\n", "a: {}\n" + BLOCK + "...\n"),
        ("a: |\n  x\n  y", BLOCK + "a: |\n  x\n  y"),  # at the end, a line feed more would say something else
        ("a: |+\n  x\n\n\n", "a: |+\n  x\n\n\n" + BLOCK),
        ("{a: {}}", "{a: {}, new: {type: model, labels: [a]}}"),
        ("{a: {},}", "{a: {}, new: {type: model, labels: [a]},}"),
        ("b: &b {type: m}\na: {<<: *b}\n", "b: &b {type: m}\na: {<<: *b}\n" + BLOCK),
        ("é: 1\n中: 2 # 😀\n", "é: 1\n中: 2 # 😀\n" + BLOCK),
        ("'q' : {}\n", "'q' : {}\n" + BLOCK),
        ("  a: {}\n", "  a: {}\n" + "".join(f"  {line}\n" for line in BLOCK.splitlines())),
    ],
)
def test_new_entries_in_nasty_files(before: str, after: str) -> None:
    assert changed(before, ("new",), NEW) == after
    assert load(after.encode())["new"] == NEW


def test_the_last_entry_leaves_braces_that_gto_can_read() -> None:
    assert without("# models\nchurn:\n  type: model # m\n# end\n", ("churn",)) == "# models\n{} # m\n# end\n"
    assert without("a: {type: x}\n", ("a", "type")) == "a: {}\n"
    assert (
        without("stages: {}\nartifacts:\n  m:\n    path: x\n", ("artifacts", "m"))
        == "stages: {}\nartifacts: {}\n"
    )


def test_missing_mappings_are_made() -> None:
    pipeline = "stages:\n  train:\n    cmd: python train.py  # long\n"
    assert (
        changed(pipeline, ("artifacts", "m"), {"path": "x"}) == pipeline + "artifacts:\n  m:\n    path: x\n"
    )
    assert changed("artifacts:\nx: 1\n", ("artifacts", "m"), {"path": "x"}) == (
        "artifacts:\n  m:\n    path: x\nx: 1\n"
    )


def test_what_is_the_same_stays_to_the_byte() -> None:
    for path, value in (
        (("churn", "labels"), ["tabular", "binary", "daily"]),
        (("churn", "description"), "folded text"),
        (("churn", "custom"), {"tags": ["x", "y"], "owner": "ana"}),
        (("last",), {}),
    ):
        assert changed(WRITTEN, path, value) == WRITTEN


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("a: &x {type: m}\nb: *x\n", ("b", "type"), "n"),  # would change a as well
        ("a: &x {type: m}\nb: *x\n", ("a", "type"), "n"),  # would change b as well
        ("? a\n: {}\n", ("new",), {}),
        ("a: text\n", ("a", "type"), "m"),
        ("- a\n", ("a",), {}),
        ("text\n", ("a",), {}),
    ],
)
def test_what_cannot_be_changed_alone_is_refused(text: str, path: tuple[str, ...], value: Json) -> None:
    with pytest.raises(YamlFault) as refused:
        changed(text, path, value)
    assert refused.value.code == "not_editable"
    assert refused.value.line == (2 if path == ("b", "type") else 1)


def test_an_anchor_that_others_use_does_not_go() -> None:
    text = "a: &x {type: m}\nb: *x\n"
    with pytest.raises(YamlFault, match="&x"):
        without(text, ("a",))
    assert without(text, ("b",)) == "a: &x {type: m}\n"
    assert changed(text, ("b",), {"type": "k"}) == "a: &x {type: m}\nb: {type: k}\n"


def test_a_broken_file_is_not_touched() -> None:
    for text in ("a: [", "a: {}\na: {}\n", "a: 1\n---\nb: 2\n"):
        with pytest.raises(YamlFault) as refused:
            changed(text, ("a", "type"), "m")
        assert refused.value.line


# Any file

words = st.text("abz019-_. :#'\"[]{},&*!|>%@`\\\t\né😀\u2028\x85", max_size=12)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["a", "b", "churn", "type", "labels", "custom"])
comments = st.sampled_from(["", "", " # why", "\n# a line", "\n\n"])


@st.composite
def files(draw: st.DrawFn) -> str:
    """Files in the ways in which people write them: indented, in brackets, with comments wherever they fit."""
    text = draw(st.sampled_from(["", "# head\n", "---\n", "\ufeff"]))
    indent = draw(st.sampled_from(["  ", "    ", " "]))
    for key in draw(st.lists(keys, unique=True, max_size=4)):
        text += f"{key}:"
        style = draw(st.sampled_from(["flow", "block", "list", "text", "none"]))
        if style == "flow":
            text += draw(st.sampled_from([" {}", " {type: m}", " { type : m, labels: [a, 'b'] }", " [x]"]))
        elif style == "block":
            for field in draw(st.lists(keys, unique=True, min_size=1, max_size=3)):
                value = draw(
                    st.sampled_from(["m", "'q'", '"d"', "[1, 2]", "{k: v}", "", f"|\n{indent * 2}lit", "1.0"])
                )
                text += f"\n{indent}{field}: {value}" + draw(
                    st.sampled_from(["", " # c" if value[:1] != "|" else ""])
                )
        elif style == "list":
            text += "".join(f"\n{indent}- {item}" for item in draw(st.lists(keys, min_size=1, max_size=3)))
        elif style == "text":
            text += draw(st.sampled_from([" plain", " 'x'", " |-\n  one\n  two", " >\n  folded\n  text\n"]))
        text += draw(comments) if not text.endswith(("\n", "lit", "two")) else ""
        text += "\n"
    text = (
        text.removesuffix("\n")
        if draw(st.booleans())
        else text + draw(st.sampled_from(["", "# end\n", "\n\n"]))
    )
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def plain(value: Any) -> Any:
    """Numbers and times as the hub has them; what gto reads otherwise is not of interest here."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def attempted(content: bytes, path: tuple[str, ...], value: Json) -> bytes | None:
    try:
        return remove_value(content, path) if value is None else set_value(content, path, value)
    except YamlFault as fault:
        if fault.code != "not_editable":
            raise
        return None


@settings(max_examples=400, deadline=None)
@given(files(), st.lists(keys, min_size=1, max_size=2).map(tuple), st.none() | values)
def test_any_file_says_what_it_should_and_nothing_else_changes(
    text: str, path: tuple[str, ...], value: Json
) -> None:
    content = text.encode()
    before = plain(load(content)) or {}
    after_content = attempted(content, path, value)
    if after_content is None:
        assert isinstance(before[path[0]], (str, list))  # nothing can be put into a text or a list
        return
    wanted = dict(before)
    if len(path) == 1:
        _put(wanted, path[0], value)
    elif value is not None or isinstance(before.get(path[0]), dict):
        wanted[path[0]] = dict(before.get(path[0]) or {})
        _put(wanted[path[0]], path[1], value)
    after = plain(load(after_content)) or {}
    assert repr(after) == repr(wanted) or after == wanted
    kept = [line for line in text.removeprefix("\ufeff").splitlines() if line.startswith("#")]
    assert [line for line in after_content.decode("utf-8-sig").splitlines() if line.startswith("#")][
        : len(kept)
    ] == kept
    assert after_content.startswith(b"\xef\xbb\xbf") == content.startswith(b"\xef\xbb\xbf")


def _put(mapping: dict[str, Any], key: str, value: Json) -> None:
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value
