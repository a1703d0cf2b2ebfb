"""A client of the LFS API that sends exactly what a test says."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx

from tests.support.hub import Hub, HubRepo

MEDIA_TYPE = "application/vnd.git-lfs+json"


def oid_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def wanted(*contents: bytes) -> list[dict[str, Any]]:
    """Objects of a batch request."""
    return [{"oid": oid_of(content), "size": len(content)} for content in contents]


class LfsClient:
    """Speaks for one user (None: nobody) with one repo.

    Attributes:
        bare: For action URLs: sends no credentials and no header that was not asked for.
    """

    def __init__(self, hub: Hub, repo: HubRepo, secret: str | None) -> None:
        self.hub = hub
        self.repo = repo
        self.bare = hub.http
        self._secret = secret

    def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        """A request of the JSON API, ``path`` after ``info/lfs``."""
        return self.hub.request(
            "POST",
            f"{self.repo.lfs_url}{path}",
            self._secret,
            json=body,
            headers={"Accept": MEDIA_TYPE, "Content-Type": f"{MEDIA_TYPE}; charset=utf-8", **headers},
        )

    def get(self, path: str, /, **query: str) -> httpx.Response:
        return self.hub.request(
            "GET", f"{self.repo.lfs_url}{path}", self._secret, params=query, headers={"Accept": MEDIA_TYPE}
        )

    def try_batch(self, operation: str, objects: object, **fields: object) -> httpx.Response:
        return self.post("/objects/batch", {"operation": operation, "objects": objects, **fields})

    def batch(self, operation: str, objects: object, **fields: object) -> dict[str, Any]:
        """The body of a batch answer, which must be one."""
        answer = self.try_batch(operation, objects, **fields)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].split(";")[0] == MEDIA_TYPE
        body: dict[str, Any] = answer.json()
        return body

    def actions(self, operation: str, content: bytes, **fields: object) -> dict[str, Any]:
        """The actions of one object; {} where there is nothing to do."""
        (answer,) = self.batch(operation, wanted(content), **fields)["objects"]
        assert "error" not in answer, answer
        actions: dict[str, Any] = answer.get("actions", {})
        return actions

    def upload_url(self, content: bytes) -> str:
        url: str = self.actions("upload", content)["upload"]["href"]
        return url

    def download_url(self, content: bytes) -> str:
        url: str = self.actions("download", content)["download"]["href"]
        return url

    def upload(self, content: bytes) -> None:
        """Uploads as a client does: batch, PUT, verify."""
        actions = self.actions("upload", content)
        if not actions:
            return
        assert self.bare.put(actions["upload"]["href"], content=content).status_code == 200
        verified = self.bare.post(actions["verify"]["href"], json=wanted(content)[0])
        assert verified.status_code == 200, verified.text

    def uploads(self) -> set[str]:
        """The uploads in several requests that the hub holds unfinished."""
        return {folder.name for folder in (self.hub.blobs / "uploads").iterdir()}
