"""The connection to a hub: credentials, retries, sizes of answers, and errors with a type."""

from __future__ import annotations

import base64
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias
from urllib.parse import quote

import httpx

from modelkeep import __version__
from modelkeep.sdk.addresses import origin_of
from modelkeep.sdk.errors import BadAnswer, RateLimited, Refused, Unreachable, refusal_class
from modelkeep.sdk.retries import RETRIED_STATUSES, RetryPolicy, parse_retry_after
from modelkeep.sdk.trust import Trust
from modelkeep.sdk.wire import Record

Json: TypeAlias = "str | int | float | bool | Mapping[str, Json] | list[Json] | None"
Params: TypeAlias = Mapping[str, str | int | bool | Sequence[str] | None]

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of one JSON answer; a longer one is no hub's."""

MAX_ERROR = 64 * 1024
_PAGE = 1000
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_MAX_CONNECTIONS = 40


class Connection:
    """Speaks HTTP with one hub. Safe to use from several threads.

    Args:
        url: The hub's URL, normalised.
        token: Sent as Bearer credentials to the hub, and to nobody else.
        password: User name and password instead of a token (used once, to make a token).
        timeout: Seconds without a byte after which a connection counts as cut.
        policy: When to try again.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        password: tuple[str, str] | None = None,
        timeout: float = 60.0,
        policy: RetryPolicy | None = None,
    ) -> None:
        self.url = url
        self.policy = policy or RetryPolicy()
        self._origin = origin_of(url)
        self._authorization = _authorization(token, password)
        self._timeout = httpx.Timeout(timeout, connect=min(timeout, 15.0))
        self._client = httpx.Client(
            verify=Trust(),
            timeout=self._timeout,
            limits=httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=_MAX_CONNECTIONS),
            headers={"User-Agent": f"modelkeep/{__version__} python/{platform.python_version()}"},
        )

    def close(self) -> None:
        """Closes all sockets."""
        self._client.close()

    @property
    def page_size(self) -> int:
        """The most items that one page has."""
        return _PAGE

    @property
    def has_credentials(self) -> bool:
        """Whether requests carry credentials."""
        return self._authorization is not None

    def authorization_for(self, url: str) -> dict[str, str]:
        """The header with the credentials, if ``url`` belongs to the hub itself; otherwise none."""
        if self._authorization is None or origin_of(url) != self._origin:
            return {}
        return {"Authorization": self._authorization}

    def get(self, path: str, params: Params | None = None) -> Record:
        """GETs a JSON object; ``path`` starts with a slash."""
        return self._parse(self.send("GET", path, params=params), path)

    def post(self, path: str, body: Json, *, is_repeatable: bool = False) -> Record:
        """POSTs JSON and reads the JSON object that comes back.

        Args:
            path: Starts with a slash.
            body: What ``json.dumps`` takes.
            is_repeatable: Whether doing it twice is the same as doing it once, so that a cut connection may
                be retried.
        """
        return self._parse(self.send("POST", path, body=body, is_repeatable=is_repeatable), path)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Json = None,
        headers: Mapping[str, str] | None = None,
        is_repeatable: bool = False,
    ) -> bytes:
        """Sends a request to the hub and gives the body of a successful answer.

        Tried again: 429 always (nothing was done), a connection that could not be made always; other failures
        only for GET, HEAD and where ``is_repeatable`` says that twice is the same as once.

        Raises:
            Refused: The hub said no; the subclass says what kind of no.
            Unreachable: No answer, also after the retries.
            BadAnswer: The answer is longer than :data:`MAX_ANSWER`.
        """
        url = self.url + path
        may_repeat = is_repeatable or method in _SAFE_METHODS
        kept = {key: value for key, value in (params or {}).items() if value is not None}
        shown = {key: _shown(value) for key, value in kept.items()}

        def once() -> bytes:
            with self.open(method, url, headers=headers, params=shown, json=body) as answer:
                return _read(answer, path)

        return self._retried(once, may_repeat)

    @contextmanager
    def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str | Sequence[str]] | None = None,
        json: Json = None,
        content: Iterator[bytes] | None = None,
        is_anonymous: bool = False,
        patience: float | None = None,
    ) -> Iterator[httpx.Response]:
        """One try of one request, whose answer is read by the caller; a refusal raises.

        Redirects are followed for GET and HEAD; credentials stay with the hub's own origin.

        Args:
            method: HTTP method.
            url: Absolute.
            headers: Beside the credentials.
            params: Query parameters.
            json: A JSON body.
            content: A body of bytes, sent as it comes; ``headers`` say its length.
            is_anonymous: Whether to leave the credentials out, for URLs that carry their own right.
            patience: Seconds to wait for the answer's first byte, where it takes longer than usual.

        Raises:
            Refused: The answer's status is 400 or higher.
            Unreachable: No answer, or it was cut while the caller read it.
        """
        sent = {"Accept": "application/json"} | (dict(headers) if headers else {})
        if not is_anonymous:
            sent |= self.authorization_for(url)
        try:
            with self._client.stream(
                method,
                url,
                headers=sent,
                params=params or None,
                json=json,
                content=content,
                follow_redirects=method in ("GET", "HEAD"),
                timeout=self._timeout if patience is None else _with_read(self._timeout, patience),
            ) as answer:
                if answer.status_code >= 300:
                    raise _refusal(answer)
                yield answer
        except (httpx.TransportError, httpx.TooManyRedirects, httpx.DecodingError) as error:
            raise _unreachable(error, url) from error
        except httpx.InvalidURL as error:
            raise BadAnswer(f"The URL {_bare(url)} cannot be used: {error}.") from error

    def pages(self, path: str, params: Params | None = None) -> Iterator[Record]:
        """The items of a list, fetched page by page while they are read."""
        cursor: str | None = None
        while True:
            page = self.get(path, {"limit": _PAGE, **(params or {}), "cursor": cursor})
            yield from page.records("items")
            following = page.optional_text("next_cursor")
            if following is None:
                return
            if following == cursor:
                raise BadAnswer(f"{path}: the hub's list does not end.")
            cursor = following

    def _retried(self, once: Callable[[], bytes], may_repeat: bool) -> bytes:
        failures = 0
        while True:
            try:
                return once()
            except Refused as error:
                failures += 1
                is_safe = error.status == 429 or may_repeat
                wait = self.policy.delay(failures, retry_after_of(error)) if is_safe else None
                if error.status not in RETRIED_STATUSES or wait is None:
                    raise
            except Unreachable as error:
                failures += 1
                is_safe = may_repeat or isinstance(error.__cause__, httpx.ConnectError)
                wait = self.policy.delay(failures) if is_safe else None
                if wait is None:
                    raise
            self.policy.sleep(wait)

    def _parse(self, body: bytes, path: str) -> Record:
        return Record.parse(body, path.partition("?")[0])


def _shown(value: str | int | bool | Sequence[str]) -> str | Sequence[str]:
    """A query parameter as it is sent; a sequence is sent as the same parameter several times."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int)) else list(value)


def retry_after_of(error: Refused) -> float | None:
    """The seconds that the hub asked to wait, where it did."""
    value = error.fields.get("retry_after")
    return float(value) if isinstance(value, (int, float)) else None


def _authorization(token: str | None, password: tuple[str, str] | None) -> str | None:
    if password is not None:
        return "Basic " + base64.b64encode(":".join(password).encode()).decode()
    if token is None:
        return None
    if not token.isascii() or not token.isprintable() or " " in token:
        raise BadAnswer("The token has characters that no token has. Was it copied whole, and nothing else?")
    return f"Bearer {token}"


def _with_read(timeout: httpx.Timeout, seconds: float) -> httpx.Timeout:
    return httpx.Timeout(connect=timeout.connect, read=seconds, write=timeout.write, pool=timeout.pool)


def _read(answer: httpx.Response, path: str) -> bytes:
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER:
            raise BadAnswer(f"{path}: the answer is longer than {MAX_ANSWER} bytes.")
    return bytes(body)


def _refusal(answer: httpx.Response) -> Refused:
    """Builds an answer's error: from problem+json, from Git LFS's ``message``, or from the status alone."""
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MAX_ERROR:
            break
    status = answer.status_code
    try:
        problem = Record.parse(bytes(body), "error")
        message = problem.text("detail", "") or problem.text("message", "") or problem.text("title", "")
        code, request_id = problem.text("code", ""), problem.text("request_id", "")
        kind, fields = problem.text("kind", "") or code, dict(problem.mapping("fields"))
    except BadAnswer:
        message, code, request_id, kind, fields = "", "", "", "", {}
    if not message:
        message = f"{_bare(str(answer.request.url))} answered {status} {answer.reason_phrase}."
    wait = parse_retry_after(answer.headers.get("Retry-After"))
    if wait is not None:
        fields["retry_after"] = wait
    request_id = request_id or answer.headers.get("X-Request-Id", "")
    error = refusal_class(status, kind)(
        message, status=status, code=code, request_id=request_id, fields=fields
    )
    if isinstance(error, RateLimited):
        error.retry_after = wait
    return error


def _unreachable(error: Exception, url: str) -> Unreachable:
    if isinstance(error, httpx.TimeoutException):
        reason = "no answer in time"
    elif isinstance(error, httpx.ConnectError):
        reason = f"no connection ({error})"
    else:
        reason = f"the connection was cut ({str(error) or type(error).__name__})"
    return Unreachable(f"{_bare(url)}: {reason}.")


def _bare(url: str) -> str:
    """A URL for a message: without the query, which may carry a signature."""
    return quote(url.partition("?")[0].partition("#")[0], safe=":/%[]@!$&'()*+,;=~")
