"""One large download: the hub, alone and behind nginx, against nginx that knows nothing but the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import sockets
from benchmarks.contents import Content, make_file, variant
from benchmarks.measure import Comparison, Result, Side, alternate, timed
from benchmarks.peers import nginx
from benchmarks.workshop import MB, HubUnderTest, Workshop

ACCELERATED = "/_blobs/"


def run(shop: Workshop) -> list[Result]:
    """GET of an LFS action URL against sendfile of the same file."""
    size = shop.sizes.get
    shop.require_space(3 * size)
    content = variant(make_file(shop.folder / "content", size), "get")
    return [_direct(shop, content), _accelerated(shop, content)]


def _direct(shop: Workshop, content: Content) -> Comparison:
    with shop.hub() as hub:
        url = _upload(hub, "direct", content)
        with _sendfile(shop, hub.blob(content)) as floor:
            found = alternate({"hub": _get(url, content), "nginx": _get(floor, content)}, shop.sizes.rounds)
    name = f"GET {content.size // MB} MB, direct"
    return Comparison(name, "nginx sendfile", found["hub"], found["nginx"], "speed", 0.65)


def _accelerated(shop: Workshop, content: Content) -> Comparison:
    with shop.hub(accel_prefix=ACCELERATED) as hub:
        url = _upload(hub, "accelerated", content)
        blobs = nginx.files_at(ACCELERATED, hub.data / "blobs", internal=True)
        with (
            nginx.serving(shop.folder / "front", blobs + nginx.proxy_to(hub.url)) as front,
            _sendfile(shop, hub.blob(content)) as floor,
        ):
            parts = urlsplit(url)
            behind = f"{front}{parts.path}?{parts.query}"
            found = alternate(
                {"hub": _get(behind, content), "nginx": _get(floor, content)}, shop.sizes.rounds
            )
    name = f"GET {content.size // MB} MB, X-Accel-Redirect"
    return Comparison(name, "nginx sendfile", found["hub"], found["nginx"], "speed", 0.95)


@contextmanager
def _sendfile(shop: Workshop, blob: Path) -> Iterator[str]:
    """nginx and the very file that the hub has, so that both read the same pages of the cache."""
    with nginx.serving(shop.folder / "floor", nginx.files_at("/", blob.parent)) as url:
        yield f"{url}/{blob.name}"


def _upload(hub: HubUnderTest, repo: str, content: Content) -> str:
    """Puts it into the hub; the URL to fetch it from."""
    hub.create_repo(repo)
    url, headers = hub.action(repo, "upload", content.oid, content.size)
    sent = sockets.put(url, content, headers)
    if sent.status >= 300:
        raise RuntimeError(f"the upload answered {sent.status}")
    url, _ = hub.action(repo, "download", content.oid, content.size)
    return url


def _get(url: str, content: Content) -> Side:
    def side(_: int) -> float:
        with timed(settle=False) as watch:
            answer = sockets.get(url)
        if answer != sockets.Answer(200, content.size):
            raise RuntimeError(f"the download answered {answer}")
        return watch.seconds

    return side
