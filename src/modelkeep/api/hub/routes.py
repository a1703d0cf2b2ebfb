"""All routes of this room. The order counts: the first that fits answers."""

from __future__ import annotations

from starlette.routing import Route

from modelkeep.api.hub import (
    access_requests,
    account,
    branches,
    commit,
    discussions,
    history,
    info,
    lfs_files,
    listing,
    preupload,
    quiet,
    repos,
    resolve,
    rights,
    squash,
    tags,
    tree,
    xet_tokens,
    yaml_check,
)
from modelkeep.api.hub.calls import HubRoom, alone, guarded, no_such_repo


def hub_routes(room: HubRoom) -> list[Route]:
    """The routes of this room."""
    return [
        *quiet.routes(),
        *guarded(
            [
                *account.routes(),
                *info.routes(),
                *listing.routes(),
                *rights.routes(),
                *tree.routes(),
                *history.routes(),
                *resolve.routes(),
                *discussions.routes(),
                *access_requests.routes(),
                *xet_tokens.routes(),
                *repos.routes(),
                *branches.routes(),
                *tags.routes(),
                *preupload.routes(),
                *commit.routes(),
                *squash.routes(),
                *lfs_files.routes(),
                *yaml_check.routes(),
                *_single_segment_ids(),
            ],
            room,
        ),
    ]


def _single_segment_ids() -> list[Route]:
    """What clients ask about ids without a namespace, such as ``gpt2``: a repo that is not here, not a bare 404."""
    methods = ("GET", "POST", "PUT", "DELETE")
    below = ("revision", "tree", "commits", "paths-info", "resolve", "xet-read-token")
    places = [f"/api/{kind}" for kind in ("models", "datasets", "spaces")]
    paths = [
        *(f"{place}/{{repo}}" for place in places),
        *(f"{place}/{{repo}}/{part}/{{rest:path}}" for place in places for part in below),
        *(f"{place}/{{repo}}/{part}" for place in places for part in ("refs", "auth-check")),
        "/api/spaces/{repo}/{rest:path}",
        "/spaces/{namespace}/{repo}/resolve/{revision}/{path:path}",
        *(f"{place}/{{repo}}/resolve/{{revision}}/{{path:path}}" for place in ("", "/datasets", "/spaces")),
    ]
    return [route for path in paths for route in alone(path, no_such_repo, *methods)]
