"""All routes of this room, in the versions that clients of any age use."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.xet import files, shards, xorbs
from modelkeep.api.xet.calls import Handler, XetRoom, guarded


def xet_routes(room: XetRoom) -> Sequence[Route]:
    """The routes below ``/api/xet/{scope}``, and where clients report what they did."""
    handlers: list[tuple[str, Sequence[str], str, Handler]] = [
        ("POST", ("/v1", ""), "/xorbs/{prefix}/{hash}", xorbs.send),
        ("POST", ("/v1",), "/xorb-grants/{prefix}/{hash}", xorbs.ask_grant),
        ("POST", ("/v1",), "/xorb-commits/{prefix}/{hash}/grant/{grant}", xorbs.commit_grant),
        ("PUT", ("",), "/grants/{hash}", xorbs.put_granted),
        ("POST", ("/v2",), "/shards", shards.register_told),
        ("POST", ("/v1", ""), "/shards", shards.register),
        ("GET", ("/v2",), "/reconstructions/{hash}", files.plan),
        ("GET", ("/v1", ""), "/reconstructions/{hash}", files.plan_v1),
        ("GET", ("/v1", ""), "/chunks/{prefix}/{hash}", files.find_chunk),
        ("GET", ("/v1", "/v2"), "/file-chunk-hashes/{hash}", files.chunk_hashes),
        ("GET", ("",), "/bytes/{hash}", files.send_bytes),
    ]
    return [
        *(
            Route(f"/api/xet/{{scope}}{version}{path}", guarded(room, handler), methods=[method])
            for method, versions, path, handler in handlers
            for version in versions
        ),
        # Clients report to the root of the host, whatever path the store has.
        *(
            Route(f"{place}/v1/telemetry", _report, methods=["POST", "GET"])
            for place in ("", "/api/xet/{scope}")
        ),
    ]


async def _report(_request: Request) -> Response:
    """What clients report about themselves is not read."""
    return Response(status_code=204)
