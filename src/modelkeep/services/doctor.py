"""Examines a repo: tags and files that the registry cannot read, each with the reason, a remedy, and what it breaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from modelkeep.db import refs as refs_index
from modelkeep.db import registry as registry_index
from modelkeep.domain.access import Actor
from modelkeep.domain.artifacts import FileProblem
from modelkeep.domain.events import Event, TagProblem
from modelkeep.domain.examination import Finding, clashes, file_finding, tag_finding
from modelkeep.domain.policy import POLICY_FILE
from modelkeep.domain.tag_grammar import EventKind
from modelkeep.git import tags
from modelkeep.git.commit_files import files_at, read_file
from modelkeep.services.access import find_repo
from modelkeep.services.annotations import read_annotations
from modelkeep.services.gto_clone import annotations_at, config_at
from modelkeep.services.gto_files import CONFIG_FILE, GtoConfig, GtoFault
from modelkeep.services.policy_text import MAX_POLICY, read_policy
from modelkeep.services.ports import Stores
from modelkeep.services.registry_tags import own_name

_CORRECT = "Correct the file and push it."


class Doctor:
    """Finds what is wrong with the registry of a repo."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def examine(self, actor: Actor, namespace: str, name: str) -> Sequence[Finding]:
        """Everything that is wrong: files of the default branch first, then tags by name.

        Raises:
            NotFound: There is no such repo for this actor.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            tip = refs_index.ref_by_name(tx, repo.id, f"refs/heads/{repo.default_branch}")
            problems = registry_index.problems_of(tx, repo.id)
            events = registry_index.events_of(tx, repo.id)
        git_dir = self._stores.repositories.path(repo.id)
        head = tip.commit if tip is not None else None
        config = config_at(git_dir, head) if head is not None else GtoConfig()
        index = config.index if isinstance(config, GtoConfig) else GtoConfig().index
        found: list[Finding] = []
        annotated: list[str] = []
        if head is not None:
            if isinstance(config, GtoFault):
                found.append(_stopping(CONFIG_FILE, config))
            annotated = _annotated(git_dir, head, index)
            found += _annotation_findings(git_dir, head, index)
            found += _policy_findings(git_dir, head)
        about_tags = [
            *_tag_findings(git_dir, problems),
            *_tagged_files(git_dir, events, index),
            *clashes(events, head, annotated),
        ]
        return [*found, *sorted(about_tags, key=lambda finding: finding.tag or "")]


def _annotated(git_dir: Path, head: str, index: str) -> list[str]:
    return [
        name
        for _, said in annotations_at(git_dir, [head], index)
        if not isinstance(said, GtoFault)
        for name in said
    ]


def _annotation_findings(git_dir: Path, head: str, index: str) -> Iterator[Finding]:
    """What is wrong with ``artifacts.yaml`` and ``dvc.yaml``; if ``gto`` stops at the former, one finding says so."""
    fault = next(
        (said for _, said in annotations_at(git_dir, [head], index) if isinstance(said, GtoFault)), None
    )
    for problem in read_annotations(git_dir, head).problems:
        is_the_fault = fault is not None and problem.file == index and problem.line == fault.line
        yield file_finding(problem, breaks_gto=is_the_fault)
        if is_the_fault:
            fault = None
    if fault is not None:
        yield _stopping(index, fault)


def _policy_findings(git_dir: Path, head: str) -> Iterator[Finding]:
    for found in files_at(git_dir, [head], POLICY_FILE):
        if found.blob is None:
            return
        content = read_file(git_dir, found.blob, MAX_POLICY) if found.is_file else None
        if content is None:
            reason = f"it is no ordinary file of at most {MAX_POLICY} bytes"
            yield file_finding(FileProblem(POLICY_FILE, "policy_invalid", reason, _CORRECT))
            return
        for fault in read_policy(content).problems:
            reason = f"{fault.reason} (column {fault.column})"
            yield file_finding(FileProblem(POLICY_FILE, "policy_invalid", reason, _CORRECT, fault.line))


def _tag_findings(git_dir: Path, problems: Sequence[TagProblem]) -> Iterator[Finding]:
    by_name = {problem.tag: problem for problem in problems}
    for raw in tags.read_tags(git_dir, list(by_name)):
        yield tag_finding(by_name[raw.ref_name], own_name(raw), raw.peeled_type)


def _tagged_files(git_dir: Path, events: Sequence[Event], index: str) -> Iterator[Finding]:
    """Annotations at the commits of versions: ``gto`` reads every one of them, whatever it is asked."""
    first_tags: dict[str, str] = {}
    for event in events:
        if event.kind is not EventKind.DEPRECATION:
            first_tags.setdefault(event.commit, event.tag)
    for commit, said in annotations_at(git_dir, first_tags, index):
        if isinstance(said, GtoFault):
            yield replace(
                _stopping(index, said),
                reason=f"at its commit {commit.id[:12]}, {index} cannot be read: {said.reason}",
                remedy="Delete the tags of this commit, and register a commit where the file is right.",
                tag=first_tags[commit.id],
            )


def _stopping(file: str, fault: GtoFault) -> Finding:
    return Finding("stops_gto", fault.reason, _CORRECT, file=file, line=fault.line, breaks_gto=True)
