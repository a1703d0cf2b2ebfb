"""URLs of hubs and of what is in them."""

from __future__ import annotations

import ipaddress
from urllib.parse import quote, urlsplit

from modelkeep.sdk.errors import BadAnswer, NoHub

_DEFAULT_PORTS = {"http": 80, "https": 443}


def normalise_url(text: str) -> str:
    """The one way to write a hub's URL: ``https://host[:port][/prefix]``, without a slash at the end.

    A host without a scheme is taken as ``https``, except the machine itself, which is ``http``.

    Raises:
        NoHub: It is no http or https URL, or it carries a user name, a query or a fragment.
    """
    text = text.strip()
    if "://" not in text:
        text = f"{'http' if is_loopback('//' + text) else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise NoHub(f"{text[:200]!r} is not a URL.") from None
    if parts.scheme not in _DEFAULT_PORTS or not host or any(c.isspace() or ord(c) < 32 for c in text):
        raise NoHub(f"{text[:200]!r} is not the URL of a hub; write https://HOST or http://HOST:PORT.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise NoHub(
            "Write the hub's URL without a user name, a query or a fragment; pass a token separately."
        )
    shown = f"[{host}]" if ":" in host else host
    suffix = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{shown}{suffix}{parts.path.rstrip('/')}"


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL: what decides whether credentials may go along.

    Raises:
        BadAnswer: It is no http or https URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadAnswer("A URL in the hub's answer cannot be read.") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise BadAnswer("A URL in the hub's answer is neither http nor https.")
    return parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme]


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine, so that nobody listens on the way."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def api_path(*segments: str) -> str:
    """``/api/v1/…`` with every segment encoded, so that a slash or a ``#`` in a revision stays part of it.

    What is no text (a byte of another encoding on the command line) is written out, for the hub to refuse.
    """
    return "/api/v1/" + "/".join(quote(one, safe="", errors="backslashreplace") for one in segments)


def file_path(path: str) -> str:
    """A path inside a repo for the end of a URL; its slashes stay."""
    return quote(path, safe="/")


def split_repo(name: str) -> tuple[str, str]:
    """``namespace`` and ``name`` of a repo's full name.

    Raises:
        NoHub: It is not ``NAMESPACE/NAME``.
    """
    namespace, slash, rest = name.strip().strip("/").partition("/")
    if not slash or not namespace or not rest or "/" in rest:
        raise NoHub(f"{name[:200]!r} is not the name of a repo; write NAMESPACE/NAME.")
    return namespace, rest
