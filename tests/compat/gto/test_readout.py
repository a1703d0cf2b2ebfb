"""Random registries: the hub answers to the letter what the real gto prints in a fresh clone, and needs no rebuild."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from modelkeep.domain.access import Role
from tests.compat.gto.readout import Answered, Printed
from tests.compat.gto.stories import ARTIFACTS, STAGES, VERSIONS, Teller
from tests.support.git import Git
from tests.support.hub import Hub

Machine = Callable[..., Git]

REGISTRY: tuple[tuple[list[str], dict[str, str | int | bool]], ...] = (
    ([], {}),
    (["-d", "--vs", "-1"], {"deprecated": True, "versions_per_stage": -1}),
    (["--ro", "--sort", "semver"], {"registered_only": True, "sort": "semver"}),
    (["--av", "1", "--vs", "-1"], {"assignments_per_version": 1, "versions_per_stage": -1}),
)
VERSIONS_OF: tuple[tuple[list[str], dict[str, str | int | bool]], ...] = (
    ([], {}),
    (["-d", "--vs", "2"], {"deprecated": True, "versions_per_stage": 2}),
    (
        ["--ro", "--sort", "semver", "--av", "0"],
        {"registered_only": True, "sort": "semver", "assignments_per_version": 0},
    ),
)


@pytest.mark.parametrize("seed", range(24))
def test_the_hub_answers_what_gto_prints(hub: Hub, machine: Machine, seed: int) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.MAINTAINER))
    git = machine(user.token)
    tree = git.init("origin", repo.git_url)
    story = Teller(tree, seed).tell(commits=4, tags=24, pushes=3)
    for tip, tags in story.pushes:
        wanted = [f"{tip}:refs/heads/main", *(f"refs/tags/{tag}" for tag in tags)]
        git("push", "-q", "origin", *wanted, cwd=tree)
    printed = Printed(git.clone(repo.git_url, "fresh"))
    answered = Answered(hub, repo, user.token)

    for args, params in REGISTRY:
        assert answered("show", **params) == printed("show", "--json", *args), args
    tagged = {name for name in ARTIFACTS if any(tag.startswith(name.replace(":", "=")) for tag in story.tags)}
    for name in sorted(tagged):
        for args, params in VERSIONS_OF:
            assert answered("show", name=name, **params) == printed("show", name, "--json", *args), (
                name,
                args,
            )
    chance = random.Random(seed)
    for name in sorted(tagged):
        what = chance.choice(
            ("@latest", "@greatest", f"@{chance.choice(VERSIONS)}", f"#{chance.choice(STAGES)}")
        )
        assert answered("show", name=name + what) == printed("show", name + what, "--json"), what
    assert answered("history") == printed("history", "--json")
    one = chance.choice(ARTIFACTS)
    assert answered("history", name=one, ascending=True) == printed("history", one, "--json", "--asc")
    for tag in story.tags[::5]:
        assert answered("check-ref", ref=tag) == printed("check-ref", tag, "--json")
        assert answered("parse-tag", name=tag) == printed("parse-tag", tag)
    assert answered("stages") == printed("stages", "--json")
    assert answered("stages", allowed=True) == printed("stages", "--json", "--allowed")
    assert answered("stages", used=True) == printed("stages", "--json", "--used")

    before = hub.snapshot(repo.id)
    hub.services.indexing.rebuild(repo.id)
    assert hub.snapshot(repo.id) == before
