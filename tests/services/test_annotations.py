"""What a commit says about artifacts: each file, each fault with its line, and an end to every search."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pygit2
import pytest

from modelkeep.domain.artifacts import AnnotationSet
from modelkeep.services.annotations import MAX_DVC_NODES, read_annotations
from modelkeep.services.dvc_search import MAX_DVC_FILES, find_dvc_files

FILE, LINK, TREE = 0o100644, 0o120000, 0o040000
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 12\n"

Files = Mapping[str, "str | bytes | Files | tuple[int, str]"]


class Bare:
    """A bare repository whose commits are made of dictionaries."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self.git = pygit2.init_repository(str(folder), bare=True)

    def tree(self, files: Files) -> str:
        builder = self.git.TreeBuilder()
        for name, value in files.items():
            if isinstance(value, Mapping):
                builder.insert(name, pygit2.Oid(hex=self.tree(value)), TREE)
            else:
                mode, text = value if isinstance(value, tuple) else (FILE, value)
                content = text if isinstance(text, bytes) else text.encode()
                builder.insert(name, self.git.create_blob(content), mode)
        return str(builder.write())

    def commit(self, tree: str) -> str:
        signature = pygit2.Signature("a", "a@b", 1_700_000_000, 0)
        return str(self.git.create_commit(None, signature, signature, "x", tree, []))

    def read(self, files: Files) -> AnnotationSet:
        return read_annotations(self.path, self.commit(self.tree(files)))


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    return Bare(tmp_path / "bare")


def problems(found: AnnotationSet) -> list[tuple[str, str, int | None]]:
    return [(problem.file, problem.code, problem.line) for problem in found.problems]


def test_every_dvc_yaml_is_read_and_paths_are_from_the_root(bare: Bare) -> None:
    one = "artifacts: {m: {path: x.bin}, n: {path: ../y.bin}, link: {path: s3://b/k}}\n"
    found = bare.read(
        {"dvc.yaml": "artifacts: {m: {path: ./x.bin}}", "a": {"dvc.yaml": one, "b": {"dvc.yaml": one}}}
    )
    assert {name: annotation.path for name, annotation in found.annotations.items()} == {
        "m": "x.bin",
        "a:m": "a/x.bin",
        "a:n": "y.bin",
        "a:link": "s3://b/k",
        "a/b:m": "a/b/x.bin",
        "a/b:n": "a/y.bin",
        "a/b:link": "s3://b/k",
    }
    assert found.annotations["a/b:m"].source == "a/b/dvc.yaml"
    assert not found.problems


def test_one_bad_entry_hides_no_other(bare: Bare) -> None:
    text = """\
good: {type: model}
nothing:
text: hello
bad name: {}
5: {}
kind: {type: [model]}
tags: {labels: [a, 1]}
twice: {type: a, type: b}
own: {custom: !mine x}
words: {type: a b, labels: [ok, not ok]}
good: {type: again}
last: {path: x}
"""
    found = bare.read({"artifacts.yaml": text})
    assert {name: annotation.type for name, annotation in found.annotations.items()} == {
        "good": "model",
        "words": "a b",
        "last": None,
    }
    assert problems(found) == [
        ("artifacts.yaml", "duplicate_key", 11),
        ("artifacts.yaml", "bad_entry", 2),
        ("artifacts.yaml", "bad_entry", 3),
        ("artifacts.yaml", "bad_name", 4),
        ("artifacts.yaml", "bad_name", 5),
        ("artifacts.yaml", "bad_field", 6),
        ("artifacts.yaml", "bad_field", 7),
        ("artifacts.yaml", "duplicate_key", 8),
        ("artifacts.yaml", "unknown_tag", 9),
        ("artifacts.yaml", "bad_word", 10),
        ("artifacts.yaml", "bad_word", 10),
    ]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("artifacts: [", "bad_yaml", 2),
        ("artifacts: [x]", "not_a_mapping", 1),
        ("- artifacts", "not_a_mapping", 1),
        ("artifacts:\n  m: {type: x}", "path_missing", 2),
        ("artifacts:\n  m: x.bin", "bad_entry", 2),
        ("artifacts:\n  m: {path: ../../x}", "path_outside", 2),
        ("artifacts:\n  m: {path: /etc/passwd}", "path_outside", 2),
        ("artifacts:\n  m.n: {path: x}", "bad_name", 2),
        ("artifacts:\n  m: {path: x, kind: y}", "unknown_field", 2),
    ],
)
def test_faults_of_dvc_files(bare: Bare, text: str, code: str, line: int) -> None:
    found = bare.read({"a": {"dvc.yaml": text}, "artifacts.yaml": "churn: {}"})
    assert problems(found) == [("a/dvc.yaml", code, line)]
    assert "churn" in found.annotations


def test_a_pipeline_without_artifacts_is_dvcs_own_business(bare: Bare) -> None:
    assert not bare.read({"dvc.yaml": "stages: ["}).problems
    assert not bare.read({"dvc.yaml": "artifacts:\n"}).problems


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ((LINK, "/etc/passwd"), "not_a_file"),
        ({"x": "1"}, "not_a_file"),
        (POINTER, "lfs_pointer"),
        ("", "empty_file"),
        ("# nothing", "empty_file"),
        (b"\xff\xfe", "not_utf8"),
        ("a: 1\n" * 300_000, "file_too_large"),
    ],
)
def test_what_is_no_file_of_annotations(bare: Bare, value: str | Files | tuple[int, str], code: str) -> None:
    found = bare.read({"artifacts.yaml": value, "dvc.yaml": "artifacts: {m: {path: x}}"})
    assert [problem.code for problem in found.problems] == [code]
    assert set(found.annotations) == {"m"}


def test_artifacts_yaml_counts_where_both_speak(bare: Bare) -> None:
    files = {
        "artifacts.yaml": "m: {type: model, path: ./x}\nn: {}\n",
        "dvc.yaml": "artifacts:\n  n: {path: y}\n",
    }
    assert not bare.read(files).problems
    found = bare.read({**files, "dvc.yaml": "artifacts:\n  n: {path: y}\n  m: {path: x, type: other}\n"})
    assert found.annotations["m"].type == "model"
    assert found.annotations["m"].source == "artifacts.yaml"
    assert problems(found) == [("dvc.yaml", "annotation_conflict", 3)]
    assert "another type here" in found.problems[0].reason


def test_checksums(bare: Bare) -> None:
    sha = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    text = f"""\
a: {{path: 's3://b/a', custom: {{sha256: {sha}}}}}
b: {{path: 's3://b/b', custom: {{checksum: {sha}}}}}
c: {{path: 's3://b/c', custom: {{checksum: 'crc32:99'}}}}
d: {{path: 's3://b/d', custom: {{etag: '"abc-2"'}}}}
e: {{path: 's3://b/e', custom: {{md5: 'md5:ff'}}}}
f: {{path: models/f.bin}}
g: {{path: models/g.bin}}
h: {{path: models/h.bin}}
i: {{path: /etc/i}}
j: {{path: '../j'}}
"""
    models = {
        "f.bin.dvc": "outs:\n- md5: aa\n  size: 5\n  path: f.bin\n",
        "g.bin.dvc": "deps:\n- etag: bb\n  path: s3://b/g\nouts:\n- path: g.bin\n",
        "h.bin.dvc": "outs: [",
    }
    found = bare.read({"artifacts.yaml": text, "models": models}).annotations
    assert {name: annotation.checksum for name, annotation in found.items()} == {
        "a": f"sha256:{sha}",
        "b": f"sha256:{sha}",
        "c": "crc32:99",
        "d": 'etag:"abc-2"',
        "e": "md5:ff",
        "f": "md5:aa",
        "g": "etag:bb",
        "h": None,
        "i": None,
        "j": None,
    }


def test_a_tree_that_names_itself_over_and_over_is_left_in_time(bare: Bare) -> None:
    tree = bare.tree({"dvc.yaml": "artifacts: {m: {path: x}}"})
    for _ in range(40):
        builder = bare.git.TreeBuilder()
        for name in ("a", "b", "c"):
            builder.insert(name, pygit2.Oid(hex=tree), TREE)
        tree = str(builder.write())
    found = read_annotations(bare.path, bare.commit(tree))
    assert found.problems[-1].code == "too_many_files"
    assert len(found.annotations) <= MAX_DVC_FILES


def test_very_many_and_very_deep_files_end(bare: Bare) -> None:
    one = "artifacts: {m: {path: x}}"
    found = bare.read({f"d{n:04}": {"dvc.yaml": one} for n in range(MAX_DVC_FILES + 10)})
    assert len(found.annotations) == MAX_DVC_FILES
    assert [problem.code for problem in found.problems] == ["too_many_files"]
    laughs = "artifacts:\n  a: {path: x, meta: &a [" + "1," * 50 + "]}\n"
    laughs += f"  b: {{path: x, meta: &b [{'*a,' * 50}]}}\n  c: {{path: x, meta: [{'*b,' * 100}]}}\n"
    found = bare.read({f"d{n:04}": {"dvc.yaml": laughs + f"#{n}\n"} for n in range(100)})
    assert "too_many_files" in {problem.code for problem in found.problems}
    assert len(found.annotations) < 2 * MAX_DVC_NODES / 1000
    deep: Files = {"dvc.yaml": one}
    for _ in range(100):
        deep = {"d": deep}
    assert [problem.code for problem in bare.read(deep).problems] == ["too_many_files"]


def test_a_search_looks_at_a_tree_once(bare: Bare) -> None:
    below = bare.tree({"dvc.yaml": "artifacts: {m: {path: x}}", "more": {"dvc.yaml": "x: 1"}})
    builder = bare.git.TreeBuilder()
    builder.insert("a", pygit2.Oid(hex=below), TREE)
    tree = str(builder.write())
    first = find_dvc_files(bare.path, bare.git, tree)
    assert [path for path, _, _ in first.files] == [b"a/dvc.yaml", b"a/more/dvc.yaml"]
    assert first.entries == 4
    assert find_dvc_files(bare.path, bare.git, tree) is first


def test_the_same_tree_gives_the_same_set(bare: Bare) -> None:
    tree = bare.tree({"artifacts.yaml": "a: {}"})
    one, other = bare.commit(tree), bare.commit(tree)
    assert read_annotations(bare.path, one) is read_annotations(bare.path, other)
