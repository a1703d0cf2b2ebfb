"""The REST API as an application, to be mounted at ``/api/v1``."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from modelkeep import __version__
from modelkeep.api.http.downloads import Acceleration
from modelkeep.api.http.limits import Limits
from modelkeep.api.rest import (
    access_requests,
    accounts,
    audit,
    cards,
    checks,
    commits,
    contents,
    describing,
    errors,
    events,
    files,
    gto,
    history,
    imports,
    keys,
    mirrors,
    organisations,
    policy,
    promotions,
    refs,
    registry,
    registry_lists,
    repo_settings,
    repos,
    retractions,
    storage,
    tokens,
    webhooks,
)
from modelkeep.api.rest.calls import Rest
from modelkeep.api.rest.schemas.base import Problem
from modelkeep.api.rest.services import RestServices

PREFIX = "/api/v1"

_ROUTERS = (
    accounts.router,
    tokens.router,
    keys.router,
    organisations.router,
    repos.router,
    repo_settings.router,
    access_requests.router,
    refs.router,
    contents.router,
    files.router,
    cards.router,
    commits.router,
    imports.router,
    mirrors.router,
    registry_lists.router,
    registry.router,
    describing.router,
    gto.router,
    retractions.router,
    history.router,
    events.router,
    webhooks.repo_router,
    webhooks.org_router,
    policy.router,
    promotions.router,
    checks.router,
    storage.router,
    audit.router,
)
_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request is refused.", "model": Problem},
    "5XX": {"description": "The hub cannot answer now.", "model": Problem},
}
_DESCRIPTION = """\
Repos, their contents, and the registry of versions and stages.

Sign in with `Authorization: Bearer TOKEN`, or Basic with any user name and a token, or with your name and
password. Lists come in pages: pass the `next_cursor` of one as `cursor` of the next. Errors are problem documents
(RFC 9457) with a stable `code` and the `request_id` that the hub's log knows."""


def create_app(
    services: RestServices,
    limits: Limits,
    *,
    public_url: str | None = None,
    acceleration: Acceleration | None = None,
) -> FastAPI:
    """Makes the application.

    It expects :class:`modelkeep.api.http.raw_path.RawPathMiddleware` and
    :class:`modelkeep.api.http.request_id.RequestIdMiddleware` in front of it.

    Args:
        services: The hub's.
        limits: Whose threads the services run in.
        public_url: The hub's address as clients reach it; None to take it from each request.
        acceleration: How nginx in front reaches the blobs, where it does.
    """
    app = FastAPI(
        title="Modelkeep",
        version=__version__,
        description=_DESCRIPTION,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        servers=[{"url": f"{public_url or ''}{PREFIX}"}],
        root_path_in_servers=False,
        responses=_ERRORS,
        separate_input_output_schemas=False,
    )
    app.state.rest = Rest(services, limits, __version__, public_url, acceleration)
    for router in _ROUTERS:
        app.include_router(router)
    errors.install(app, [route for router in _ROUTERS for route in router.routes])
    return app
