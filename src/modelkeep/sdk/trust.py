"""Whom TLS connections trust, found out only when one is made."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import httpx


class Trust(ssl.SSLContext):
    """Verifies as the HTTP client does by itself, but loads the authorities when the first TLS connection is made.

    Loading takes longer than a whole request to a hub that is reached over plain HTTP. The connections are wrapped by
    :func:`httpx.create_ssl_context`'s context; this one's own trusts nobody.
    """

    def __new__(cls) -> Trust:
        """Makes a client's context."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        """As :meth:`ssl.SSLContext.set_alpn_protocols`."""
        self._context.set_alpn_protocols(list(alpn_protocols))

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        """As :meth:`ssl.SSLContext.wrap_socket`."""
        return self._context.wrap_socket(*arguments, **options)

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        """As :meth:`ssl.SSLContext.wrap_bio`."""
        return self._context.wrap_bio(*arguments, **options)
