"""A small hub of the standard library that speaks what the SDK needs, and fails where a test wants it to."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT, NEXT = "c" * 40, "e" * 40
REPO = "/api/v1/repos/acme/churn"
WHEN = {"name": "Ada", "email": "ada@example.org", "when": "2026-01-02T03:04:05Z"}


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324 - Git's


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    query: str = ""


@dataclass
class StandIn:
    """What the hub holds, what goes wrong, and what it was asked.

    ``cuts`` has, for each request about file content that is to fail, after how many bytes the connection
    ends. ``answers`` has whole answers to give instead, by method and path: status, headers, body.
    ``stalls_after`` sends so many bytes of a file, and then nothing until the client has gone.
    ``loses_commit`` cuts the connection ``before`` or ``after`` a commit is made.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    lfs: set[str] = field(default_factory=set)
    blobs: dict[str, bytes] = field(default_factory=dict)
    partial: dict[str, bytes] = field(default_factory=dict)
    artifacts: list[dict[str, object]] = field(default_factory=list)
    entries: list[dict[str, object]] | None = None
    cuts: list[int] = field(default_factory=list)
    answers: dict[tuple[str, str], list[tuple[int, dict[str, str], bytes]]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    transfer: str = "tus"
    has_ranges: bool = True
    loses_commit: str = ""
    stalls_after: int | None = None
    has_stalled: threading.Event = field(default_factory=threading.Event)
    head: str = COMMIT
    served: dict[str, bytes] = field(default_factory=dict)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, path: str, content: bytes, *, is_lfs: bool = False) -> None:
        self.files[path] = content
        if is_lfs:
            self.lfs.add(path)
            self.blobs[sha256(content)] = content

    def tree(self) -> list[dict[str, object]]:
        if self.entries is not None:
            return self.entries
        return [
            {
                "path": path,
                "kind": "file",
                "id": blob_id(content),
                "size": len(content),
                "mode": 0o100644,
                "lfs": {"oid": sha256(content), "size": len(content)} if path in self.lfs else None,
            }
            for path, content in sorted(self.files.items())
        ]

    def asked(self, method: str, part: str = "") -> list[Request]:
        return [one for one in self.requests if one.method == method and part in one.path]

    def answer(self, method: str, path: str, status: int, body: bytes = b"", **headers: str) -> None:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.setdefault((method, path), []).append((status, sent, body))


@contextmanager
def running(hub: StandIn) -> Iterator[StandIn]:
    class Handler(_Handler):
        state = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: StandIn

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names that the base class calls

    # -------------------------------------------------------------------------------------------- plumbing

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        request = Request(
            self.command,
            parts.path,
            {name.lower(): value for name, value in self.headers.items()},
            query=parts.query,
        )
        with self.state.lock:
            self.state.requests.append(request)
            waiting = self.state.answers.get((self.command, parts.path))
            canned = waiting.pop(0) if waiting else None
        if canned is not None:
            request.body = self._read_all()
            self._send(canned[0], canned[2], canned[1])
            return
        for method, pattern, name in _ROUTES:
            match = re.fullmatch(pattern, parts.path)
            if method == self.command and match:
                if method == "POST":
                    request.body = self._read_all()
                getattr(self, name)(request, *(unquote(group or "") for group in match.groups()))
                return
        self._problem(404, "not_found", "There is no such thing.")

    def _read_all(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        sent = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, value: object, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode())

    def _problem(self, status: int, code: str, detail: str) -> None:
        body = {
            "title": "No",
            "status": status,
            "code": code,
            "detail": detail,
            "request_id": "r-1",
            "fields": {},
        }
        self._send(status, json.dumps(body).encode(), {"Content-Type": "application/problem+json"})

    def _cut(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.close()

    # ------------------------------------------------------------------------------------------- the REST API

    def repo(self, request: Request) -> None:
        self._json(repo_json("acme", "churn"))

    def revision(self, request: Request, revision: str) -> None:
        if revision == "refs/heads/new":
            self._problem(404, "not_found", "No such revision.")
            return
        artifact, _, stage = revision.partition("#")
        self._json(
            {
                "revision": revision,
                "commit": commit_json("x", self.state.head),
                "artifact": artifact if stage else None,
                "stage": stage,
            }
        )

    def tree(self, request: Request, *_: str) -> None:
        entries = self.state.tree()
        start = int(parse_qs(urlsplit(self.path).query).get("cursor", ["0"])[0])
        more = start + 2 < len(entries)
        self._json({"items": entries[start : start + 2], "next_cursor": str(start + 2) if more else None})

    def file(self, request: Request, path: str) -> None:
        content = self.state.served.get(path, self.state.files[path])
        start, headers, status = 0, {"Content-Type": "application/octet-stream"}, 200
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        if asked and self.state.has_ranges:
            start, status = int(asked[1]), 206
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        rest = content[start:]
        if self.state.stalls_after is not None:
            self._stall(status, rest, headers)
            return
        with self.state.lock:
            cut = self.state.cuts.pop(0) if self.state.cuts else None
        if cut is None:
            self._send(status, rest, headers)
        else:
            self._send(status, rest[:cut], {**headers, "Content-Length": str(len(rest))})
            self._cut()

    def _stall(self, status: int, rest: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(rest))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(rest[: self.state.stalls_after])
        self.state.has_stalled.set()
        self.rfile.read(1)
        self.close_connection = True

    def preupload(self, request: Request) -> None:
        files = json.loads(request.body)["files"]
        storage = {True: "lfs", False: "git"}
        self._json(
            {"items": [{"path": f["path"], "storage": storage[f["path"].endswith(".bin")]} for f in files]}
        )

    def commit(self, request: Request) -> None:
        body = json.loads(request.body)
        if self.state.loses_commit == "before":
            self._cut()
            return
        for operation in body["operations"]:
            if "lfs" in operation:
                oid = operation["lfs"]["oid"]
                if oid not in self.state.blobs:
                    self._problem(422, "lfs_object_missing", f"{oid} was not uploaded.")
                    return
                self.state.add(operation["path"], self.state.blobs[oid], is_lfs=True)
            else:
                self.state.add(operation["path"], base64.b64decode(operation["content_base64"]))
        self.state.head = NEXT
        if self.state.loses_commit == "after":
            self._cut()
            return
        self._json({"commit": commit_json(body["message"], NEXT), "branch": body["branch"]}, 201)

    def list_artifacts(self, request: Request) -> None:
        self._json({"items": self.state.artifacts, "next_cursor": None})

    def promote(self, request: Request, artifact: str, stage: str) -> None:
        request.body = self._read_all()
        version = cast("dict[str, str]", json.loads(request.body)).get("version")
        self._json({"artifact": artifact, "stage": stage, "version": version, "commit": COMMIT}, 201)

    # ---------------------------------------------------------------------------------------------------- LFS

    def batch(self, request: Request) -> None:
        asked = json.loads(request.body)
        transfer = self.state.transfer if self.state.transfer in asked["transfers"] else "basic"
        objects = []
        for one in asked["objects"]:
            entry = dict(one)
            if one["oid"] not in self.state.blobs:
                href = f"{self.state.url}/upload/{one['oid']}/{one['size']}"
                verify = {"href": f"{self.state.url}/verify", "header": {"X-Signed": "yes"}}
                entry["actions"] = {"upload": {"href": href, "header": {"X-Signed": "yes"}}, "verify": verify}
                entry["authenticated"] = True
            objects.append(entry)
        self._json({"transfer": transfer, "objects": objects, "hash_algo": "sha256"})

    def offset(self, request: Request, oid: str, size: str) -> None:
        self._send(200, b"", {"Upload-Offset": str(len(self.state.partial.get(oid, b"")))})

    def receive(self, request: Request, oid: str, size: str) -> None:
        is_tus = self.command == "PATCH"
        kept = self.state.partial.get(oid, b"") if is_tus else b""
        if is_tus and int(request.headers["upload-offset"]) != len(kept):
            self._problem(409, "conflict", "The offset has moved.")
            return
        length = int(self.headers["Content-Length"])
        with self.state.lock:
            cut = self.state.cuts.pop(0) if self.state.cuts else length
        body = self.rfile.read(min(cut, length))
        content = kept + body
        if cut < length:
            self.state.partial[oid] = content
            self._cut()
            return
        if sha256(content) != oid:
            self._problem(400, "mismatch", "Those bytes have another SHA-256.")
            return
        self.state.blobs[oid] = content
        self._send(204 if is_tus else 200, b"", {"Upload-Offset": str(len(content))})

    def verify(self, request: Request) -> None:
        one = json.loads(request.body)
        if len(self.state.blobs.get(one["oid"], b"")) == one["size"]:
            self._json({})
        else:
            self._problem(404, "not_found", "It is not here.")


_ROUTES = (
    ("GET", REPO, "repo"),
    ("GET", REPO + r"/revisions/([^/]+)", "revision"),
    ("GET", REPO + r"/tree/[^/]+(/.+)?", "tree"),
    ("GET", REPO + r"/files/[0-9a-f]{40}/(.+)", "file"),
    ("POST", REPO + "/preupload", "preupload"),
    ("POST", REPO + "/commits", "commit"),
    ("GET", REPO + "/artifacts", "list_artifacts"),
    ("PUT", REPO + r"/artifacts/([^/]+)/stages/([^/]+)", "promote"),
    ("POST", r"/acme/churn\.git/info/lfs/objects/batch", "batch"),
    ("HEAD", r"/upload/([0-9a-f]{64})/(\d+)", "offset"),
    ("PATCH", r"/upload/([0-9a-f]{64})/(\d+)", "receive"),
    ("PUT", r"/upload/([0-9a-f]{64})/(\d+)", "receive"),
    ("POST", "/verify", "verify"),
)


def repo_json(namespace: str, name: str) -> dict[str, object]:
    return {
        "id": "1" * 32,
        "namespace": namespace,
        "name": name,
        "full_name": f"{namespace}/{name}",
        "kind": "model",
        "description": "",
        "labels": [],
        "visibility": "private",
        "default_branch": "main",
        "role": "owner",
        "created_at": "2026-01-02T03:04:05Z",
        "updated_at": "2026-01-02T03:04:05Z",
        "deleted_at": None,
        "urls": {"git": "http://x/acme/churn.git"},
    }


def commit_json(message: str, commit: str = COMMIT) -> dict[str, object]:
    return {
        "id": commit,
        "tree_id": "d" * 40,
        "parents": [],
        "author": WHEN,
        "committer": WHEN,
        "message": message,
        "subject": message,
    }
