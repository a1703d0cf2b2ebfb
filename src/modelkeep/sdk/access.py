"""Gated repos: who may read their files."""

from __future__ import annotations

from collections.abc import Mapping

from modelkeep.sdk.handle import Handle, given
from modelkeep.sdk.listings import Listing
from modelkeep.sdk.models_access import Access, AccessRequest


class RepoAccess(Handle):
    """``repo.access``: whether the repo is gated, who asked to read its files, and what they were answered."""

    def show(self) -> Access:
        """Whether the repo is gated, and whether the caller may read its files."""
        return Access.read(self._get("access"))

    def ask(self, fields: Mapping[str, str] | None = None) -> Access:
        """Asks for access; ``fields`` is what the maintainers are told. To ask again changes nothing."""
        return Access.read(self._send("POST", "access", body={"fields": dict(fields or {})}))

    def gate(self, gated: str | None) -> Access:
        """Gates the repo (``manual`` or ``auto``), or opens it (None)."""
        return Access.read(self._send("PUT", "access", body={"gated": gated}))

    def requests(self, status: str = "pending") -> Listing[AccessRequest]:
        """Who asked, the earliest first: those that are ``pending``, ``accepted`` or ``rejected``."""
        columns = ("user", "status", "asked_at")
        return self._list(AccessRequest.read, "access-requests", params={"status": status}, columns=columns)

    def answer(self, user: str, status: str, reason: str | None = None) -> AccessRequest:
        """Answers a request with ``accepted`` or ``rejected``, or takes the answer back (``pending``)."""
        body = given(status=status, reason=reason)
        return AccessRequest.read(self._send("PUT", "access-requests", user, body=body))
