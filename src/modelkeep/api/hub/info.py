"""What there is to know about a repo at a revision: ``model_info``, ``dataset_info`` and their ``expand``."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.hub.calls import Call, api, ok
from modelkeep.api.hub.properties import ALWAYS, About, described, expanded, security
from modelkeep.api.hub.render import Json
from modelkeep.domain.file_headers import FileHeader


def routes() -> list[Route]:
    """The routes of this module."""
    return [
        *api("", _info),
        *api("/revision/{revision}", _info),
        *api("/safetensors-metadata/{path:path}", _headers),
    ]


async def _info(call: Call) -> Response:
    return ok(await call.run(_read, call))


def _read(call: Call) -> Json:
    browsing = call.services.browsing
    if "revision" in call.request.path_params:
        snapshot = browsing.at(call.actor, call.namespace, call.repo, call.revision)
        about = About(call, snapshot.repo, (snapshot.access, snapshot), with_sizes=call.is_set("blobs"))
    else:
        found = browsing.latest(call.actor, call.namespace, call.repo)
        about = About(call, found[0].repo, found, with_sizes=call.is_set("blobs"))
    call.here(about.repo)
    names = expanded(call)
    body = described(about, ALWAYS if names is None else names)
    if names is None and call.is_set("securityStatus"):
        body["securityRepoStatus"] = security(about)
    return body


async def _headers(call: Call) -> Response:
    """The headers of all files of weights that an index names."""
    shards = await call.run(
        call.services.file_headers.shards, call.actor, call.namespace, call.repo, None, call.part("path")
    )
    headers = {path: _header(header) for path, header in shards.headers.items()}
    return ok({"index": {"metadata": shards.metadata}, "headers": headers})


def _header(header: FileHeader) -> Json:
    return {
        "__metadata__": header.metadata,
        **{
            tensor.name: {
                "dtype": tensor.dtype,
                "shape": tensor.shape,
                "data_offsets": tensor.offsets,
            }
            for tensor in header.tensors
        },
    }
