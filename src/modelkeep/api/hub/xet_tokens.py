"""Where the Xet store is, and a token for it: ``xet-read-token`` and ``xet-write-token``.

Clients written in Rust read the body, those in Python the headers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.hub.calls import PLURALS, Call, api, ok
from modelkeep.services.xet_tokens import Right


def routes() -> list[Route]:
    """The routes of this module."""
    return [
        *api("/xet-read-token/{revision:path}", _read_token),
        *api("/xet-write-token/{revision:path}", _write_token),
    ]


async def _read_token(call: Call) -> Response:
    return await _token(call, Right.READ)


async def _write_token(call: Call) -> Response:
    return await _token(call, Right.PROPOSE if call.is_set("create_pr") else Right.WRITE)


async def _token(call: Call, right: Right) -> Response:
    token = await call.run(
        call.services.xet_tokens.issue, call.actor, call.namespace, call.repo, call.revision, right
    )
    url = f"{call.base_url}/api/xet/{token.scope}"
    return ok(
        {"accessToken": token.text, "exp": token.expires_at, "casUrl": url},
        headers={
            "X-Xet-Access-Token": token.text,
            "X-Xet-Token-Expiration": str(token.expires_at),
            "X-Xet-Cas-Url": url,
        },
    )


async def xet_hashes(
    call: Call, blobs: Iterable[tuple[str | None, int]], *, every: bool = False
) -> Mapping[str, str]:
    """The Xet hashes by oid of those of these files (oid, size) that the client is to fetch from the Xet store.

    With ``every`` those of all files that have one: clients copy files from repo to repo by it.
    """
    xet = call.services.xet
    wanted = [oid for oid, size in blobs if oid is not None and (every or xet.is_advertised(size))]
    return await call.run(xet.hashes, wanted) if wanted else {}


def xet_headers(call: Call, commit: str, xet_hash: str) -> dict[str, str]:
    """What tells a client to fetch a file from the Xet store, and where to get a token for it."""
    place = f"{call.base_url}/api/{PLURALS[call.kind]}/{quote(call.part('namespace'))}/{quote(call.repo)}"
    return {"X-Xet-Hash": xet_hash, "Link": f'<{place}/xet-read-token/{commit}>; rel="xet-auth"'}
