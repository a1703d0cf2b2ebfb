"""Where the hub may connect to when others say where: public addresses, and what its operator allows.

A name is resolved once and its addresses are judged; the caller connects to one of exactly these, so that a name that
stands for another address a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

from modelkeep.domain.errors import InvalidInput

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"

Resolve: TypeAlias = Callable[[str, int], Sequence[str]]
"""From a name and a port to addresses; raises OSError."""

_MOST_ADDRESSES = 16

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")
_REFUSED: tuple[Network, ...] = (
    ipaddress.IPv4Network("168.63.129.16/32"),  # the metadata service of Azure
    ipaddress.IPv4Network("192.0.0.0/24"),  # of protocols, such as the near end of DS-Lite
    ipaddress.IPv4Network("192.88.99.0/24"),  # relays of 6to4
    ipaddress.IPv6Network("2002::/16"),  # 6to4: an IPv4 address in disguise
    ipaddress.IPv6Network("2001::/23"),  # of protocols, such as Teredo: the same
    ipaddress.IPv6Network("3fff::/20"),  # documentation
)


class Forbidden(Exception):
    """A place to which the hub does not connect; the message says why."""


class Unresolved(Exception):
    """A name that stands for no address."""


class Guard:
    """Judges hosts.

    Args:
        allowed: What the operator allows beyond public addresses: networks (``10.0.0.0/8``), addresses, host names.
        resolve: The resolver; the system's by default.
        seconds: How long a resolver may take.
        setting: Where the operator allows more, for messages.

    Raises:
        InvalidInput: An entry of ``allowed`` is none of these.
    """

    def __init__(
        self,
        allowed: Sequence[str] = (),
        *,
        resolve: Resolve | None = None,
        seconds: float = 5.0,
        setting: str = "MODELKEEP_WEBHOOK_ALLOWED_NETWORKS",
    ) -> None:
        self._setting = setting
        self._networks: list[Network] = []
        self._hosts: set[str] = set()
        for entry in allowed:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                self._hosts.add(_host_of(entry))
        self._resolve = resolve or _system_resolve
        self._seconds = seconds

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host, all of them fit to connect to.

        Raises:
            Forbidden: One of them is not.
            Unresolved: There are none.
        """
        found = self._resolved(host, port)
        if _normal(host) not in self._hosts:
            for text in found:
                self.require(text)
        return found

    def require(self, text: str) -> None:
        """Lets an address pass.

        Raises:
            Forbidden: It is neither public nor allowed.
        """
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise Forbidden(f"{text[:60]!r} is no address") from None
        inner = embedded(address)
        if any(_is_in(candidate, network) for network in self._networks for candidate in (address, inner)):
            return
        if not is_public(address):
            raise Forbidden(
                f"{text} is no public address; the hub's operator can allow it with {self._setting}"
            )

    def require_literal(self, host: str) -> None:
        """Lets a host pass that is a name; one that is an address only if it may be connected to.

        Raises:
            Forbidden: It is an address that is neither public nor allowed.
        """
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return
        if _normal(host) not in self._hosts:
            self.require(host)

    def _resolved(self, host: str, port: int) -> list[str]:
        answer: list[Sequence[str]] = []
        failures: list[OSError] = []

        def ask() -> None:
            try:
                answer.append(self._resolve(host, port))
            except (OSError, UnicodeError) as error:
                failures.append(error if isinstance(error, OSError) else OSError(str(error)))

        # The system's resolver takes no time-out; a thread that it keeps waiting is left behind.
        thread = threading.Thread(target=ask, name="resolve", daemon=True)
        thread.start()
        thread.join(self._seconds)
        found = list(dict.fromkeys(answer[0]))[:_MOST_ADDRESSES] if answer else []
        if not found:
            raise Unresolved("the host's name cannot be resolved")
        return found


def embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address carries, or the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64 or (address in _IPV4_COMPATIBLE and int(address) > 1):
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether anybody on the Internet could connect there, so that the hub gives nothing away by doing so."""
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        # Of all else only the translation of a public IPv4 address will do (RFC 6052).
        return address in _NAT64 and is_public(embedded(address))
    if any(_is_in(address, network) for network in _REFUSED):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_in(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network


def _system_resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def _normal(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _host_of(entry: str) -> str:
    host = _normal(entry.strip())
    if not host or any(c in host for c in "/:*?@ "):
        raise InvalidInput(
            f"{entry[:60]!r} is neither a network (10.0.0.0/8) nor an address nor a host's name.",
            code="invalid_settings",
        )
    return host
