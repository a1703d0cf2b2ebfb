"""Reading a repo's registry tags into the index, against Git only listing them."""

from __future__ import annotations

from pathlib import Path

from benchmarks.git_client import GitClient
from benchmarks.measure import Comparison, Result, alternate, timed
from benchmarks.tagged_repos import one_tag_each
from benchmarks.workshop import Workshop
from modelkeep.server.wiring import Hub, open_hub
from modelkeep.services.accounts import local_administrator
from modelkeep.settings import Settings

AIM = 5.0
ARTIFACTS = 100
_FORMAT = (
    "%(refname) %(objectname) %(*objectname) %(taggername) %(taggeremail) %(taggerdate:unix) %(contents)"
)


def run(shop: Workshop) -> list[Result]:
    """``modelkeep reindex`` of one repo, in this process."""
    count = shop.sizes.tags
    data = shop.folder / "hub"
    client = shop.client()
    with open_hub(Settings.load(data=data)) as hub:
        git_dir = _new_repo(hub, data)
        client.run(git_dir, "fast-import", "--quiet", stdin=one_tag_each(count, artifacts=ARTIFACTS))
        if hub.indexing.rebuild_by_name("bench", "tags") < count:
            raise RuntimeError("the index does not hold all tags")

        def index(_: int) -> float:
            with timed() as watch:
                hub.indexing.rebuild_by_name("bench", "tags")
            return watch.seconds

        def listing(_: int) -> float:
            return _list(client, git_dir)

        found = alternate({"hub": index, "git": listing}, shop.sizes.rounds)
    name = f"index of {count} annotated tags"
    return [Comparison(name, "git for-each-ref", found["hub"], found["git"], "time", AIM)]


def _new_repo(hub: Hub, data: Path) -> Path:
    """A repo of the first user; its bare repository."""
    hub.accounts.ensure_owner("bench", None, None)
    hub.repos.create(local_administrator(), namespace="bench", name="tags", empty=True)
    (head,) = (data / "repos").rglob("HEAD")
    return head.parent


def _list(client: GitClient, git_dir: Path) -> float:
    with timed() as watch:
        client.run(git_dir, "for-each-ref", f"--format={_FORMAT}", "refs/tags")
    return watch.seconds
