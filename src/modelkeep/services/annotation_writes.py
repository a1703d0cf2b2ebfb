"""Annotating artifacts: entries of ``artifacts.yaml`` or ``dvc.yaml`` made, changed and removed, each by a commit.

Whoever wrote the file finds it as it was, but for what was to change (:mod:`modelkeep.services.yaml_edits`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from modelkeep.domain.access import Action, Actor
from modelkeep.domain.annotation_changes import AnnotationChange, overlapping
from modelkeep.domain.artifacts import ARTIFACTS_FILE, DVC_FILE, Annotation, AnnotationSet, Json
from modelkeep.domain.errors import Conflict, InvalidInput, ModelkeepError, NotFound
from modelkeep.domain.names import parse_artifact
from modelkeep.domain.objects import ZERO_ID, Commit, EntryKind
from modelkeep.domain.repos import Repo
from modelkeep.git import refs, trees
from modelkeep.services.access import find_repo
from modelkeep.services.annotation_files import FileReading, read_artifacts_yaml, read_dvc_yaml
from modelkeep.services.annotations import no_annotation, read_annotations
from modelkeep.services.commits import AddFile, Commits
from modelkeep.services.gto_files import CONFIG_FILE, GtoConfig, read_gto_config
from modelkeep.services.ports import Stores
from modelkeep.services.yaml_edits import find, remove_value, set_value
from modelkeep.services.yaml_tree import MAX_BYTES, YamlFault, read_yaml

T = TypeVar("T")

_TRIES = 20
_IN_DVC = {"type": "type", "path": "path", "labels": "labels", "description": "desc", "custom": "meta"}


@dataclass(frozen=True, slots=True)
class _File:
    """A file that may say something about an artifact: its path, content (None: not there), and the entry's keys."""

    path: str
    content: bytes | None
    entry: tuple[str, ...]

    @property
    def is_dvc(self) -> bool:
        """Whether its entries have DVC's fields."""
        return self.path != ARTIFACTS_FILE

    def has_entry(self) -> bool:
        """Whether the artifact stands in it, well or badly.

        Raises:
            Conflict: It cannot be read.
        """
        with _in_words(self.path):
            return self.content is not None and find(read_yaml(self.content).root, self.entry) is not None

    def reading(self, content: bytes) -> FileReading:
        """What the file says with this content."""
        return read_dvc_yaml(content, self.path) if self.is_dvc else read_artifacts_yaml(content)


class AnnotationWrites:
    """Says something about artifacts, in the files of the repo."""

    def __init__(self, stores: Stores, commits: Commits) -> None:
        self._stores = stores
        self._commits = commits

    def annotate(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        artifact: str,
        change: AnnotationChange,
        *,
        branch: str | None = None,
        message: str | None = None,
    ) -> tuple[Annotation, Commit | None]:
        """Changes what is said about an artifact, where it is said; what is new goes to ``artifacts.yaml``.

        An artifact with a directory (``models:churn``) belongs into that directory's ``dvc.yaml``.

        Returns:
            The annotation after it, and the commit; None where there was nothing to change.

        Raises:
            InvalidInput: A value cannot be that of its field, or the field is none of the file's.
            Conflict: The file cannot be read or changed, another artifact has the path, or others kept pushing.
            NotFound: No such repo or branch.
            NotPermitted: The actor may not write to the repo.
        """
        parse_artifact(artifact)
        change = change.checked()

        def edit(git_dir: Path, tip: str | None) -> list[AddFile]:
            found = read_annotations(git_dir, tip).annotations if tip else AnnotationSet().annotations
            file = _place(git_dir, tip, artifact)
            present = found.get(artifact)
            wanted = change.wanted(present)
            _check_type(git_dir, tip, wanted.get("type"))
            _check_path(git_dir, tip, artifact, change, wanted, found)
            with _in_words(file.path):
                content = _edited(file, change, wanted)
            reading = file.reading(content)
            if artifact not in reading.annotations:
                problem = reading.problems[0]
                raise _unreadable(file.path, problem.reason, problem.line)
            return [] if content == file.content else [AddFile(file.path, content)]

        message = message or f"Annotate artifact {artifact}"
        git_dir, tip, commit = self._write(actor, (namespace, name), branch, edit, message)
        return read_annotations(git_dir, tip).annotations[artifact], commit

    def remove(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        artifact: str,
        *,
        branch: str | None = None,
        message: str | None = None,
    ) -> Commit:
        """Takes away all that is said about an artifact; its versions and stages stay.

        Raises:
            NotFound: Nothing is said about it; or no such repo or branch.
            Conflict: A file cannot be read or changed, or others kept pushing.
            NotPermitted: The actor may not write to the repo.
        """
        parse_artifact(artifact)

        def edit(git_dir: Path, tip: str | None) -> list[AddFile]:
            changed = []
            for file in _candidates(git_dir, tip, artifact):
                if file.content is not None and file.has_entry():
                    with _in_words(file.path):
                        changed.append(AddFile(file.path, remove_value(file.content, file.entry)))
            if not changed:
                raise no_annotation(artifact)
            return changed

        message = message or f"Remove the annotation of artifact {artifact}"
        _, _, commit = self._write(actor, (namespace, name), branch, edit, message)
        if commit is None:  # pragma: no cover - a file without the entry is another file
            raise no_annotation(artifact)
        return commit

    def _write(
        self,
        actor: Actor,
        names: tuple[str, str],
        branch: str | None,
        edit: Callable[[Path, str | None], list[AddFile]],
        message: str,
    ) -> tuple[Path, str, Commit | None]:
        """Edits files of the branch's tip and commits, again if somebody else was faster.

        Gives the Git directory, the commit that the branch is at then, and that commit again if it was made here.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, *names, Action.WRITE).repo
        git_dir = self._stores.repositories.path(repo.id)
        target = branch or repo.default_branch
        for remaining in reversed(range(_TRIES)):
            tip = _tip(git_dir, repo, target)
            changed = edit(git_dir, tip)
            if not changed and tip is not None:
                return git_dir, tip, None
            try:
                _, commit = self._commits.commit(
                    actor, *names, changed, message, branch=target, parent=tip or ZERO_ID
                )
            except Conflict as conflict:
                if conflict.code != "branch_moved" or not remaining:
                    raise
            else:
                return git_dir, commit.id, commit
        raise AssertionError("the last try raises or returns")  # pragma: no cover


def _tip(git_dir: Path, repo: Repo, branch: str) -> str | None:
    """The commit of a branch; None for the default branch of a repo that nothing was pushed to."""
    ref = f"refs/heads/{branch}"
    present = refs.read_refs(git_dir, [ref]).get(ref) if refs.is_valid_name(ref) else None
    if present is None and branch != repo.default_branch:
        raise NotFound(f"There is no branch {branch[:100]!r} in {repo.full_name}.", code="branch_not_found")
    return present.commit if present else None


def _candidates(git_dir: Path, tip: str | None, artifact: str) -> Iterator[_File]:
    """The files that may say something about an artifact, the one that counts first."""
    directory, _, name = artifact.rpartition(":")
    if directory:
        if posixpath.normpath(directory) != directory or directory.startswith(("/", ".")):
            raise InvalidInput(
                f"'{directory}' is no directory of a repo in its shortest form, such as models/churn.",
                code="invalid_artifact",
            )
        yield _read(git_dir, tip, f"{directory}/{DVC_FILE}", ("artifacts", name))
    else:
        yield _read(git_dir, tip, ARTIFACTS_FILE, (name,))
        yield _read(git_dir, tip, DVC_FILE, ("artifacts", name))


def _place(git_dir: Path, tip: str | None, artifact: str) -> _File:
    files = list(_candidates(git_dir, tip, artifact))
    return next((file for file in files if file.has_entry()), files[0])


def _read(git_dir: Path, tip: str | None, path: str, entry: tuple[str, ...]) -> _File:
    found = trees.entry(git_dir, tip, path) if tip else None
    if found is None:
        return _File(path, None, entry)
    if found.kind is not EntryKind.FILE or found.lfs_oid is not None:
        raise _unreadable(path, "it is no ordinary file of Git (a link, a directory, or a file in LFS)")
    try:
        return _File(path, trees.read_blob(git_dir, found.id, MAX_BYTES), entry)
    except ModelkeepError as error:
        raise _unreadable(path, error.message) from None


def _check_type(git_dir: Path, tip: str | None, wanted: Json) -> None:
    """Holds a new type against those that ``.gto`` allows, as GTO did when it annotated."""
    found = trees.entry(git_dir, tip, CONFIG_FILE) if tip else None
    if wanted is None or found is None or found.kind is not EntryKind.FILE or (found.size or 0) > MAX_BYTES:
        return
    config = read_gto_config(trees.read_blob(git_dir, found.id, MAX_BYTES))
    if isinstance(config, GtoConfig) and config.types is not None and wanted not in config.types:
        raise InvalidInput(
            f"{CONFIG_FILE} of this repo allows the types {', '.join(config.types)}; '{wanted}' is none of them.",
            code="invalid_annotation",
            field="type",
        )


def _check_path(
    git_dir: Path,
    tip: str | None,
    artifact: str,
    change: AnnotationChange,
    wanted: Mapping[str, Json],
    found: Mapping[str, Annotation],
) -> None:
    present = found.get(artifact)
    path = wanted.get("path") if "path" in wanted else present.path if present else None
    if change.must_exist:
        if not isinstance(path, str) or Annotation("", path=path).is_link:
            raise InvalidInput(
                "'must_exist' needs the path of a file or a folder of the repo.", code="path_needed"
            )
        if tip is None or trees.entry(git_dir, tip, "" if path == "." else path) is None:
            raise InvalidInput(
                f"There is nothing at '{path}' on this branch; commit it first, or leave 'must_exist' out.",
                code="annotated_path_missing",
                path=path,
            )
    if isinstance(wanted.get("path"), str) and not change.allow_same_path:
        others = {name: annotation for name, annotation in found.items() if name != artifact}
        taken = overlapping(str(path), others)
        if taken is not None:
            raise Conflict(
                f"'{path}' belongs to artifact '{taken}' already ('{others[taken].path}'); choose another path, or "
                "say 'allow_same_path'.",
                code="path_used",
                artifact=taken,
            )


def _edited(file: _File, change: AnnotationChange, wanted: Mapping[str, Json]) -> bytes:
    """The file's content with the fields as they are wanted.

    Raises:
        YamlFault: It cannot be read, or cannot be changed without changing more.
    """
    fields = _for_dvc(file, change, wanted) if file.is_dvc else dict(wanted)
    content = file.content or b""
    if not file.has_entry():
        said = {key: value for key, value in fields.items() if value is not None}
        if not said:
            raise InvalidInput(
                "Nothing is said about this artifact yet; give a type, a path, a label or a description.",
                code="nothing_said",
            )
        if file.is_dvc and "path" not in said:
            raise InvalidInput(f"An artifact of {file.path} needs a path.", code="path_needed")
        return set_value(content, file.entry, said)
    for key, value in fields.items():
        path = (*file.entry, key)
        content = remove_value(content, path) if value is None else set_value(content, path, value)
    return content


def _for_dvc(file: _File, change: AnnotationChange, wanted: Mapping[str, Json]) -> dict[str, Json]:
    if change.fields.get("virtual") is False:
        raise InvalidInput(f"Artifacts of {file.path} have no field 'virtual'.", code="invalid_annotation")
    if "path" in wanted and wanted["path"] is None:
        raise InvalidInput(f"An artifact of {file.path} needs a path.", code="path_needed")
    fields = {_IN_DVC[name]: value for name, value in wanted.items() if name in _IN_DVC}
    path = fields.get("path")
    if isinstance(path, str) and not Annotation("", path=path).is_link:
        fields["path"] = posixpath.relpath(path, posixpath.dirname(file.path) or ".")
    return fields


@contextmanager
def _in_words(file: str) -> Iterator[None]:
    """Says of a fault in YAML which file it is in, and what to do.

    Raises:
        Conflict: For every :class:`YamlFault`.
    """
    try:
        yield
    except YamlFault as fault:
        if fault.code != "not_editable":
            raise _unreadable(file, fault.reason, fault.line) from None
        raise Conflict(
            f"{_at(file, fault.line)} cannot be changed here without changing more: {fault.reason}. Edit it in a "
            "clone, and push it.",
            code="annotations_not_editable",
            file=file,
            line=fault.line,
        ) from None


def _unreadable(file: str, reason: str, line: int | None = None) -> Conflict:
    return Conflict(
        f"{_at(file, line)} cannot be read: {reason}. Correct it in a clone, and push it.",
        code="annotations_unreadable",
        file=file,
        line=line,
    )


def _at(file: str, line: int | None) -> str:
    return file if line is None else f"{file}, line {line},"
