"""The index brought up to date event by event is the index made anew, whatever came, moved and went."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from random import Random

import pytest

from modelkeep.db import refolding, registry
from modelkeep.db.transaction import Transaction
from modelkeep.domain.artifacts import Annotation, AnnotationSet, FileProblem
from modelkeep.domain.events import Event, event_of
from modelkeep.domain.objects import Signature
from modelkeep.domain.repos import Repo
from modelkeep.domain.tag_grammar import parse_tag
from tests.contract.db.world import World

VERSIONS = ("v1.0.0", "v1.1.0", "v2.0.0-rc.1", "v1.1.0+a", "v1.1.0+b", "v10.0.0")
STAGES = ("prod", "dev", "qa")
COMMITS = tuple(c * 40 for c in "abcdef")
STEPS = 48


def _event(random: Random, number: int, seconds: int) -> Event:
    artifact = random.choice(("churn", "models:iris"))
    written = artifact.replace(":", "=")
    what = random.choices(
        (
            f"@{random.choice(VERSIONS)}{random.choice(('', '', '!'))}#{number}",
            f"#{random.choice(STAGES)}{random.choice(('', '', '!'))}#{number}",
            "@deprecated",
        ),
        (5, 8, 1),
    )[0]
    tag = written + what
    name = parse_tag(tag)
    assert name is not None
    by = Signature("Ada", "a@b", datetime.fromtimestamp(random.randrange(seconds), UTC))
    return event_of(name, tag, random.choice(COMMITS), by, "why", f"{number:040x}")


def _annotations(random: Random, number: int) -> AnnotationSet:
    names = random.sample(("churn", "models:iris", "plain", "Ünïcode"), random.randrange(4))
    problem = FileProblem("dvc.yaml", "code", "reason", "remedy", number)
    return AnnotationSet(
        {
            name: Annotation(
                name,
                type=random.choice((None, "model")),
                path=random.choice((None, "a/b", "s3://bucket/x")),
                labels=tuple(random.sample(("x", "y", "nul \0"), random.randrange(3))),
                description=random.choice(("", "About it", "half \ud800")),
                custom=random.choice((None, {"k": [1, 2.5]})),
            )
            for name in names
        },
        (problem,) * random.randrange(2),
    )


def _follow(tx: Transaction, repo: Repo, gone: list[str], events: list[Event]) -> None:
    registry.replace_events(tx, repo.id, gone, events, [])


@pytest.mark.parametrize("seed", range(10))
def test_step_by_step_is_anew(tx: Transaction, world: World, seed: int) -> None:
    random = Random(seed)
    # Few seconds make many events of the same second; many events read a stage's past in pieces.
    seconds = random.choice((3, 40, 100_000))
    ada = world.user("ada")
    followed, anew = world.repo(ada, "followed"), world.repo(ada, "anew")
    known: dict[str, Event] = {}
    said = AnnotationSet()
    for number in range(STEPS):
        gone = random.sample(sorted(known), min(len(known), random.choice((0, 0, 0, 1, 3))))
        new = {
            e.tag: e
            for e in (_event(random, number * 100 + i, seconds) for i in range(random.choice((0, 1, 1, 8))))
        }
        moved = [tag for tag in gone if random.random() < 0.3]
        for tag in moved:
            new[tag] = dataclasses.replace(known[tag], commit=random.choice(COMMITS))
        for tag in gone:
            known.pop(tag)
        known.update(new)
        _follow(tx, followed, [tag for tag in gone if tag not in moved], list(new.values()))
        if random.random() < 0.2:
            said = _annotations(random, number)
            registry.set_annotations(tx, followed.id, said)
        if number % 6 == 5:
            registry.replace_index(tx, anew.id, events=list(known.values()), problems=[], annotations=said)
            assert registry.snapshot(tx, followed.id) == registry.snapshot(tx, anew.id)


def test_many_at_once_are_folded_with_all_others(tx: Transaction, world: World) -> None:
    random = Random(1)
    ada = world.user("ada")
    followed, anew = world.repo(ada, "followed"), world.repo(ada, "anew")
    events = {e.tag: e for e in (_event(random, number, 100_000) for number in range(4 * refolding.FEW))}
    first, rest = list(events.values())[:100], list(events.values())[100:]
    _follow(tx, followed, [], first)
    _follow(tx, followed, [], rest)
    registry.replace_index(
        tx, anew.id, events=list(events.values()), problems=[], annotations=AnnotationSet()
    )
    assert registry.snapshot(tx, followed.id) == registry.snapshot(tx, anew.id)


def test_a_stage_that_many_have_left(tx: Transaction, world: World) -> None:
    """The holder is far back in the past of the stage."""
    ada = world.user("ada")
    followed, anew = world.repo(ada, "followed"), world.repo(ada, "anew")
    events = []
    for number in range(300):
        for at, tag in ((10 * number, f"m@v{number}.0.0"), (10 * number + 1, f"m#prod#{2 * number}")):
            events.append(_at(tag, at, f"{number:040x}"))
        if number:
            events.append(_at(f"m#prod!#{2 * number + 1}", 10 * number + 2, f"{number:040x}"))
    _follow(tx, followed, [], events[:-4])
    for event in events[-4:]:
        _follow(tx, followed, [], [event])
    registry.replace_index(tx, anew.id, events=events, problems=[], annotations=AnnotationSet())
    assert registry.snapshot(tx, followed.id) == registry.snapshot(tx, anew.id)
    held = registry.stage_row(tx, followed.id, "m", "prod")
    assert held is not None
    assert held.version == "v0.0.0"


def _at(tag: str, seconds: int, commit: str) -> Event:
    name = parse_tag(tag)
    assert name is not None
    by = Signature("Ada", "a@b", datetime.fromtimestamp(seconds, UTC))
    return event_of(name, tag, commit, by, "why", "0" * 40)
