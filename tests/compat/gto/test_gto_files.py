"""gto's two files, read by gto and by the hub: the same settings and annotations, and the same ones that stop gto."""

from __future__ import annotations

import io
import tempfile
import warnings
from pathlib import Path
from typing import Any

import pytest
from gto.config import read_registry_config
from gto.index import Index
from gto.utils import make_ready_to_serialize
from hypothesis import given, settings
from hypothesis import strategies as st

from modelkeep.services.gto_files import GtoConfig, GtoFault, read_gto_annotations, read_gto_config

SETTINGS = (
    "",
    "{}",
    "false",
    "3",
    "a",
    "- a",
    "1: 2",
    "foo: 1",
    "gto_index: a",
    "index: a.yaml",
    "INDEX: a.yaml",
    "Index: dir/a.yaml",
    "index: ''",
    "index: 3",
    "index: null",
    "index: a\nindex: b",
    "stages: [dev, prod]",
    "StageS: [dev, dev]",
    "stages: []",
    "stages: null",
    "stages: dev",
    "stages: [1]",
    "stages: [a b]",
    "stages: [a, null]",
    "stages: {a: 1}",
    "types: [model]",
    "types: ['-x']",
    "types: null",
    "log_level: DEBUG",
    "log_level: null",
    "debug: yes",
    "debug: 1",
    "debug: 2",
    "debug: null",
    "emojis: 'off'",
    "emojis: x",
    "config_file_name: x",
    "config_file_name: null",
    "enrichments: []",
    "enrichments: null",
    "enrichments: [gto]",
    "enrichments: [{type: gto}]",
    "enrichments: [{config: {}}]",
    "enrichments: [{type: gto, extra: 1}]",
    "autoload_enrichments: false",
    "autoload_enrichments: false\nenrichments: [{type: gto}]",
    "a: &a [*a]",
    "--- {}\n--- {}",
    "\ufeffindex: a",
    "stages: [dev",
    "stages:\n\t- dev",
)
FILES = (
    "",
    "# nothing\n",
    "{}",
    "[]",
    "m",
    "m: {}",
    "m: null",
    "m: []",
    "m: x",
    "-x: {}",
    "a.b: {}",
    "dir/m: {}",
    "'dir:m': {}",
    "1: {}",
    "'1': {}",
    "null: {}",
    "m: {type: '-x', path: '', labels: ['-', a, a], description: ''}",
    "m: {type: null, path: null}",
    "m: {type: 3}",
    "m: {path: 3}",
    "m: {labels: null}",
    "m: {labels: a}",
    "m: {labels: [a, 1]}",
    "m: {description: null}",
    "m: {virtual: yes}",
    "m: {virtual: 'T'}",
    "m: {virtual: 1.0}",
    "m: {virtual: 0}",
    "m: {virtual: 3}",
    "m: {virtual: null}",
    "m: {unknown: {a: 1}}",
    "m: {unknown: {a: 1, a: 2}}",
    "m: {custom: {a: 1, a: 2}}",
    "m: {custom: !x a}",
    "m: {}\nm: {}",
    "a: &x {path: p}\nb: *x",
    "x: &x {path: p, type: t}\nm:\n  <<: *x\n  type: u",
    "m:\n  custom: |\n    a\n    b\n",
    "m: {custom: [1, 2.5, true, False, ~, Null, yes, a, {b: [c]}, 'é', \"a\\n\"]}",
    "m: {custom: [017, 08, 0o17, 0x1F, 0b101, 1_000, +12, -0, 123456789012345678901234567890]}",
    "m: {custom: [1e3, .5, 1., -.5, 12e03, 0.1, 5.0e-324, 1:30]}",
    "m: {custom: [2024-02-01 10:00:00, 2024-2-1T10:00:00Z, 2024-02-01T10:00:00.25 -05:30]}",
    "m: {custom: {1: a, b: {2: c}}}",
    "m: {path: a",
    "m: [*nothing]",
    "\ufeffm: {}",
)


def settings_of_gto(text: bytes) -> GtoConfig | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ".gto"
        path.write_bytes(text)
        try:
            found = read_registry_config(str(path))
            found.enrichments_.pop("gto")
        except Exception:  # whatever stops it
            return None
    stages, types = (tuple(names) if names is not None else None for names in (found.stages, found.types))
    return GtoConfig(stages, found.INDEX, types)


def annotations_of_gto(text: bytes) -> dict[str, Any] | None:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # a warning of its libraries, an error in tests, would stop it only here
        try:
            state = Index.read(io.BytesIO(text), frozen=True).state
        except Exception:  # whatever stops it
            return None
    said = {name: artifact.model_dump() for name, artifact in state.items()}
    return dict(make_ready_to_serialize(said))  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("text", SETTINGS)
def test_settings(text: str) -> None:
    ours = read_gto_config(text.encode())
    assert (None if isinstance(ours, GtoFault) else ours) == settings_of_gto(text.encode())


@pytest.mark.parametrize("text", FILES)
def test_annotations(text: str) -> None:
    ours = read_gto_annotations(text.encode())
    theirs = annotations_of_gto(text.encode())
    if theirs is not None:
        theirs = {name: said | {"custom": _keys_as_text(said["custom"])} for name, said in theirs.items()}
    assert repr(None if isinstance(ours, GtoFault) else ours) == repr(theirs)


def _keys_as_text(value: Any) -> Any:
    """As JSON has them."""
    if isinstance(value, dict):
        return {str(key): _keys_as_text(item) for key, item in value.items()}
    return [_keys_as_text(item) for item in value] if isinstance(value, list) else value


LINES = st.lists(
    st.sampled_from(
        [
            "m:",
            "n: {}",
            "  type: model",
            "  path: a/b",
            "  labels: [a]",
            "  labels:",
            "  - a",
            "  virtual: no",
            " x",
        ]
    ),
    max_size=8,
).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(LINES)
def test_annotations_put_together_from_lines(text: str) -> None:
    ours = read_gto_annotations(text.encode())
    assert (None if isinstance(ours, GtoFault) else ours) == annotations_of_gto(text.encode())


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet="{}[]:,&*a1 \n-!|>'\"#<", max_size=80).map(str.encode))
def test_nothing_raises(content: bytes) -> None:
    assert read_gto_annotations(content) is not None
    assert read_gto_config(content) is not None


@pytest.mark.parametrize("read", [read_gto_annotations, read_gto_config])
@pytest.mark.parametrize(
    "bomb",
    [
        "a: &a [x, x]\n"
        + "".join(f"b{i}: &b{i} [*{'a' if not i else f'b{i - 1}'}, *a]\n" for i in range(60)),
        "m: {custom: " + "[" * 5000 + "]" * 5000 + "}",
        "m: {custom: [" + "1, " * 200_000 + "]}",
        "m: " + "x" * (2 << 20),
    ],
)
def test_bombs_are_faults(read: Any, bomb: str) -> None:
    assert isinstance(read(bomb.encode()), GtoFault)
