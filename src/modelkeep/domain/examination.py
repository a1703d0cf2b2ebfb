"""What ``doctor`` finds in a repo: tags and files that the registry or ``gto`` cannot read, and what they spoil."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from modelkeep.domain.artifacts import FileProblem
from modelkeep.domain.events import Event, TagProblem
from modelkeep.domain.tag_grammar import EventKind, parse_tag


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem of a repo's registry.

    Attributes:
        code: For programs.
        reason: What is wrong.
        remedy: What to do.
        tag: The tag that it is about; None for a file of the default branch.
        file: The file that it is about; with ``tag`` that file at the tag's commit.
        line: In the file, from 1; None where the fault has none.
        breaks_gto: Whether ``gto`` gives up on the whole repo because of it.
    """

    code: str
    reason: str
    remedy: str
    tag: str | None = None
    file: str | None = None
    line: int | None = None
    breaks_gto: bool = False


def tag_finding(problem: TagProblem, own_name: str, peeled_type: str) -> Finding:
    """The finding about a tag that cannot be read.

    Args:
        problem: What the index says of it.
        own_name: The name inside of the tag object; the ref's for a lightweight tag.
        peeled_type: The kind of object that one gets when the tag is followed to its end.
    """
    return Finding(
        problem.code,
        problem.reason,
        problem.remedy,
        tag=problem.tag,
        breaks_gto=_breaks_gto(problem, own_name, peeled_type),
    )


def _breaks_gto(problem: TagProblem, own_name: str, peeled_type: str) -> bool:
    name, own = parse_tag(problem.tag), parse_tag(own_name)
    if name is None:
        return False  # gto looks at names of refs first
    if name.kind is EventKind.CREATION:
        return True
    match problem.code:
        case "no_tagger" | "no_message":
            return True
        case "not_a_commit":
            return peeled_type != "commit" and name.kind is not EventKind.DEPRECATION
        case "name_differs":
            return own is None or own.kind is EventKind.CREATION
    return False


def file_finding(problem: FileProblem, *, breaks_gto: bool = False) -> Finding:
    """The finding about a file of the default branch."""
    return Finding(
        problem.code,
        problem.reason,
        problem.remedy,
        file=problem.file,
        line=problem.line,
        breaks_gto=breaks_gto,
    )


def clashes(events: Iterable[Event], head: str | None, annotated: Iterable[str]) -> Iterator[Finding]:
    """Tags that give a commit a second version, or a version a second commit, oldest first.

    Args:
        events: All of the repo.
        head: The default branch's tip.
        annotated: The artifacts that GTO's annotations file names there.
    """
    ordered = sorted(events, key=lambda e: (e.at, e.tag))
    looked_up = {(e.artifact, e.commit) for e in ordered if e.stage is not None}
    looked_up |= {(name, head) for name in annotated if head is not None}
    at_commit: dict[tuple[str, str], str] = {}
    commit_of: dict[tuple[str, str], str] = {}
    for event in ordered:
        if event.version is None:
            continue
        place = (event.artifact, event.commit)
        other = at_commit.setdefault(place, event.version)
        if other != event.version:
            yield Finding(
                "version_exists_for_commit",
                f"commit {event.commit[:12]} is version {other} of '{event.artifact}' as well",
                "Delete one of the tags: a commit holds one version of an artifact.",
                tag=event.tag,
                breaks_gto=place in looked_up,
            )
        if event.kind is not EventKind.REGISTRATION:
            continue
        commit = commit_of.setdefault((event.artifact, event.version), event.commit)
        if commit != event.commit:
            yield Finding(
                "version_exists",
                f"version {event.version} of '{event.artifact}' is at commit {commit[:12]} as well",
                "Delete one of the tags.",
                tag=event.tag,
            )
