"""Promotion requests."""

from __future__ import annotations

from modelkeep.sdk.handle import Handle, given
from modelkeep.sdk.http import Connection
from modelkeep.sdk.listings import Listing
from modelkeep.sdk.models_policy import PromotionRequest
from modelkeep.sdk.wire import Record

_COLUMNS = ("number", "artifact", "version", "stage", "state", "proposer", "created_at")


class PromotionRequests(Handle):
    """``repo.requests``: proposals that a version gets a stage, and what reviewers say to them."""

    def list(
        self, *, state: str | None = None, artifact: str | None = None, stage: str | None = None
    ) -> Listing[PromotionRequest]:
        """The repo's requests, the latest first; of a state such as ``open``, an artifact or a stage."""
        params = {"state": state, "artifact": artifact, "stage": stage}
        return self._list(self._read, "promotions", params=params, columns=_COLUMNS)

    def create(
        self, artifact: str, stage: str, version: str, *, message: str | None = None
    ) -> PromotionRequest:
        """Proposes that a version gets a stage."""
        body = given(artifact=artifact, stage=stage, version=version, message=message)
        return PromotionRequest.read(self._send("POST", "promotions", body=body), self.name)

    def get(self, number: int) -> PromotionRequest:
        """One request, its reviews and what blocks it."""
        return PromotionRequest.read(self._get("promotions", str(number)), self.name)

    def approve(self, number: int, *, comment: str | None = None) -> PromotionRequest:
        """Approves it. The approval that was missing assigns the stage, in the approver's name."""
        return self._act(number, "approve", comment)

    def reject(self, number: int, *, comment: str | None = None) -> PromotionRequest:
        """Rejects it."""
        return self._act(number, "reject", comment)

    def withdraw(self, number: int, *, comment: str | None = None) -> PromotionRequest:
        """Takes a proposal back."""
        return self._act(number, "withdraw", comment)

    def _act(self, number: int, verb: str, comment: str | None) -> PromotionRequest:
        answer = self._send("POST", "promotions", str(number), verb, body=given(comment=comment))
        return PromotionRequest.read(answer, self.name)

    def _read(self, record: Record) -> PromotionRequest:
        return PromotionRequest.read(record, self.name)


def all_requests(
    connection: Connection, *, state: str | None = None, role: str | None = None
) -> Listing[PromotionRequest]:
    """The requests of all repos that the caller may see; see :meth:`modelkeep.sdk.hub.Hub.requests`."""
    params = {"state": state, "role": role}
    columns = ("repo", *_COLUMNS)
    return Listing(connection, "/api/v1/promotions", PromotionRequest.read, params, columns=columns)
