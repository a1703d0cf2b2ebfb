"""Git itself over HTTP: the hub against nginx with ``git http-backend``."""

from __future__ import annotations

from pathlib import Path
from random import Random

from benchmarks.git_client import GitClient
from benchmarks.measure import Comparison, Result, Side, alternate
from benchmarks.peers import giftless
from benchmarks.workshop import MB, Workshop

PEER = "nginx, git http-backend"
AIM = 1.1
FILE = 200_000
FILES = 50


def run(shop: Workshop) -> list[Result]:
    """Clone of a repo, and push of one commit to it."""
    rounds = shop.sizes.rounds
    with shop.hub() as hub, giftless.git_and_lfs(shop.folder / "forge") as forge:
        client = shop.client(hub)
        work = client.new_repo(shop.folder / "work")
        client.run(work, "fast-import", "--quiet", stdin=_history(shop.sizes.git_repo))
        client.run(work, "reset", "--quiet", "--hard", "main")
        urls = {"hub": hub.create_repo("history"), PEER: forge.create_repo("history")}
        for name, url in urls.items():
            client.run(work, "push", "--quiet", url, "main")
            client.run(work, "remote", "add", _remote(name), url)
        clones = alternate({name: _clone(client, url, shop.folder) for name, url in urls.items()}, rounds)
        pushes = alternate(
            {name: _push(client, work, name) for name in urls}, shop.sizes.git_pushes, warm_ups=2
        )
    size = f"{shop.sizes.git_repo // MB} MB"
    return [
        Comparison(f"git clone of {size}", PEER, clones["hub"], clones[PEER], "time", AIM),
        Comparison("git push of one commit", PEER, pushes["hub"], pushes[PEER], "time", AIM),
    ]


def _clone(client: GitClient, url: str, folder: Path) -> Side:
    return lambda _: client.timed_clone(url, folder / "clone")


def _push(client: GitClient, work: Path, name: str) -> Side:
    def side(number: int) -> float:
        (work / "notes.txt").write_text(f"{name} {number}\n", encoding="utf-8")
        client.commit_all(work)
        return client.timed(work, "push", "--quiet", _remote(name), "main")

    return side


def _remote(name: str) -> str:
    return "hub" if name == "hub" else "peer"


def _history(size: int) -> bytes:
    """A history of so many bytes for ``git fast-import``: each commit changes one of a few files."""
    random, parts = Random(1), []
    for number in range(size // FILE):
        message = f"Change {number}".encode()
        parts.append(
            b"commit refs/heads/main\ncommitter Bench <bench@example.com> %d +0000\n"
            % (1_700_000_000 + number)
        )
        parts.append(b"data %d\n%s\n" % (len(message), message))
        parts.append(b"M 100644 inline data/%02d.bin\ndata %d\n" % (number % FILES, FILE))
        parts.append(random.randbytes(FILE) + b"\n")
    return b"".join(parts)
