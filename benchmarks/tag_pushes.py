"""A push of one registry tag into a repo that has very many: the hub against nginx with ``git http-backend``."""

from __future__ import annotations

from pathlib import Path

from benchmarks.git_client import GitClient
from benchmarks.measure import Comparison, Result, Side, alternate
from benchmarks.peers import giftless
from benchmarks.tagged_repos import one_tag_each
from benchmarks.workshop import Workshop, fill

PEER = "nginx, git http-backend"
AIM = 1.3


def run(shop: Workshop) -> list[Result]:
    """All tags are versions of one artifact, and then of a hundred."""
    return [_pushes(shop, artifacts) for artifacts in (1, 100)]


def _pushes(shop: Workshop, artifacts: int) -> Comparison:
    count = shop.sizes.many_tags
    folder = shop.folder / f"of-{artifacts}"
    history = one_tag_each(count, artifacts=artifacts)
    with shop.hub() as hub, giftless.git_alone(folder / "forge") as forge:
        client = shop.client(hub)
        urls = {"hub": hub.import_history(client, "tags", history), PEER: forge.create_repo("tags")}
        fill(client, forge.repos / "tags.git", history)
        work = client.new_repo(folder / "work")
        client.run(work, "pull", "--quiet", "--no-tags", urls[PEER], "main")
        sides = {name: _push(client, work, name, url) for name, url in urls.items()}
        found = alternate(sides, shop.sizes.tag_pushes, warm_ups=2)
    name = f"push of 1 tag, {count} are there, of {artifacts} artifact{'s' if artifacts > 1 else ''}"
    return Comparison(name, PEER, found["hub"], found[PEER], "time", AIM)


def _push(client: GitClient, work: Path, name: str, url: str) -> Side:
    client.run(work, "remote", "add", _remote(name), url)

    def side(number: int) -> float:
        tag = f"model-000@v1.{number + 10}.{int(name == 'hub')}"
        client.run(work, "commit", "--quiet", "--allow-empty", "--message", f"{name} {number}")
        client.run(work, "tag", "--annotate", "--message", "Registered", tag)
        took = client.timed(work, "push", "--quiet", _remote(name), f"refs/tags/{tag}")
        return took

    return side


def _remote(name: str) -> str:
    return "hub" if name == "hub" else "peer"
