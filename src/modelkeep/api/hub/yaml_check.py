"""``validate-yaml``: what is wrong with a card, asked before it is sent."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from modelkeep.api.hub.calls import Call, alone, ok
from modelkeep.domain.cards import CardRemark
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.repos import RepoKind

_KINDS = {"model": RepoKind.MODEL, "dataset": RepoKind.DATASET, "space": RepoKind.MODEL}
_STATUS = {False: 200, True: 400}


def routes() -> list[Route]:
    """The routes of this module."""
    return alone("/api/validate-yaml", _check, "POST")


async def _check(call: Call) -> Response:
    sent = await call.json()
    content, kind = sent.get("content"), sent.get("repoType") or "model"
    if not isinstance(content, str) or not isinstance(kind, str) or kind not in _KINDS:
        raise InvalidInput(
            'Send the card as {"content": …, "repoType": "model" or "dataset"}.', code="invalid_body"
        )
    report = await call.run(call.services.cards.check, content, _KINDS[kind])
    status = _STATUS[bool(report.errors)]
    if _wants_text(call):
        lines = [f"- Error: {one}" for one in report.errors]
        lines += [f"- Warning: {one}" for one in report.warnings]
        return PlainTextResponse("\n".join(lines), status, {"Cache-Control": "no-store"})
    return ok({"errors": _remarks(report.errors), "warnings": _remarks(report.warnings)}, status)


def _wants_text(call: Call) -> bool:
    return call.request.headers.get("accept", "").partition(",")[0].strip().startswith("text/plain")


def _remarks(remarks: tuple[CardRemark, ...]) -> list[dict[str, object]]:
    return [{"message": str(one), **({"line": one.line} if one.line else {})} for one in remarks]
