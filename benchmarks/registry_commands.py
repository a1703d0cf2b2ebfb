"""The registry's commands: ``modelkeep`` and a hub against ``gto`` in a clone, in processor time.

What the hub spends on a command counts in full, as does what the client does; ``gto`` has no server, but a clone whose
making is not counted.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.machine import processor_seconds, processor_seconds_of_children
from benchmarks.measure import Comparison, Result, Samples
from benchmarks.processes import Missing
from benchmarks.tagged_repos import registry
from benchmarks.workshop import HubUnderTest, Workshop

PEER = "gto in a clone"
AIM = 0.01
ARTIFACTS = 20
NAME = "model-001"
_SECONDS = 1800

Words = Callable[[int], list[str]]
"""The arguments of a command in round N."""

COMMANDS: dict[str, tuple[Words, Words]] = {
    "show": (lambda _: ["show", "bench/tags", "--json"], lambda _: ["show", "--json"]),
    "show NAME": (lambda _: ["show", "bench/tags", NAME, "--json"], lambda _: ["show", NAME, "--json"]),
    "history": (lambda _: ["history", "bench/tags", "--json"], lambda _: ["history", "--json"]),
    "history as gto prints it": (
        lambda _: ["history", "bench/tags", "--gto"],
        lambda _: ["history", "--json"],
    ),
    "register": (
        lambda number: ["register", "bench/tags", f"new-{number + 10}", "--json"],
        lambda number: ["register", f"new-{number + 10}"],
    ),
    "promote": (
        lambda number: ["promote", "bench/tags", NAME, "--version", f"v0.{number + 1}.0", "--stage", "live"],
        lambda number: ["assign", NAME, "--version", f"v0.{number + 1}.0", "--stage", "live"],
    ),
}
"""Of each the words for ``modelkeep``, and those for ``gto``."""


def run(shop: Workshop) -> list[Result]:
    """Every command on repos of several sizes; the aim is that of the largest."""
    found: list[Result] = []
    for tags in shop.sizes.gto_tags:
        found += _of_size(shop, tags, AIM if tags == max(shop.sizes.gto_tags) else None)
    return found


def _of_size(shop: Workshop, tags: int, aim: float | None) -> list[Result]:
    programs = [_program("modelkeep"), _program("gto")]
    found: list[Result] = []
    with shop.hub() as hub:
        client = shop.client(hub)
        url = hub.import_history(client, "tags", registry(tags, ARTIFACTS))
        clone = shop.folder / f"clone-{tags}"
        client.run(shop.folder, "clone", "--quiet", url, str(clone))
        for key, value in (("user.name", "Bench"), ("user.email", "bench@example.com")):
            client.run(clone, "config", key, value)
        environments = [_environment(shop.folder, hub), client.environment]
        for command, words in COMMANDS.items():
            alone, both, peer = _measure(
                hub, clone, list(zip(programs, words, environments, strict=True)), shop.sizes.gto_rounds
            )
            name = f"{command}, {tags} tags, CPU of "
            found.append(Comparison(f"{name}client and hub", PEER, both, peer, "time", aim))
            found.append(Comparison(f"{name}the hub alone", PEER, alone, peer, "time"))
    return found


def _measure(
    hub: HubUnderTest, clone: Path, sides: list[tuple[Path, Words, Mapping[str, str]]], rounds: int
) -> tuple[Samples, Samples, Samples]:
    """Processor seconds of the hub, of hub and client together, and of the peer; in turn."""
    alone: list[float] = []
    both: list[float] = []
    peer: list[float] = []
    for number in range(-1, rounds):
        (ours, our_words, our_environment), (theirs, their_words, their_environment) = sides
        hub_before = processor_seconds(hub.pid)
        client = _run([str(ours), *our_words(number)], clone, our_environment)
        server = processor_seconds(hub.pid) - hub_before
        other = _run([str(theirs), *their_words(number)], clone, their_environment)
        if number >= 0:
            alone.append(server)
            both.append(client + server)
            peer.append(other)
    return Samples(tuple(alone)), Samples(tuple(both)), Samples(tuple(peer))


def _run(command: list[str], where: Path, environment: Mapping[str, str]) -> float:
    """Processor seconds of a command with all that it starts.

    Raises:
        RuntimeError: It failed; the message has its output.
    """
    before = processor_seconds_of_children()
    done = subprocess.run(
        command,
        check=False,
        cwd=where,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_SECONDS,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace")
        raise RuntimeError(f"{' '.join(command[:3])} ended with {done.returncode}:\n{said[-2000:]}")
    return processor_seconds_of_children() - before


def _program(name: str) -> Path:
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise Missing(f"{name} is not installed beside this Python")
    return path


def _environment(folder: Path, hub: HubUnderTest) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder / "home"),
        "MODELKEEP_URL": hub.url,
        "MODELKEEP_TOKEN": hub.token,
    }
