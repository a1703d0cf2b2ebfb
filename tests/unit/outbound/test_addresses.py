"""Where webhooks may go: no form of an address of this machine or its network passes."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.errors import InvalidInput
from modelkeep.outbound.addresses import Forbidden, Guard, Unresolved, is_public

FORBIDDEN = """
    0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16 169.254.169.254
    172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1
    224.0.0.1
    239.1.1.1 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 64:ff9b::7f00:1
    64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001::1 2001:1::1 2001:20::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1
    2002:7f00:1::
    2002:0a00:0001::1 2002:0808:0808::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0
    fec0::1 ff02::1 ff0e::1
""".split()
PUBLIC = "8.8.8.8 1.1.1.1 93.184.216.34 2606:4700:4700::1111 2a00:1450:4001::1 64:ff9b::808:808".split()


@pytest.mark.parametrize("address", FORBIDDEN)
def test_no_address_of_a_private_network_passes(address: str) -> None:
    with pytest.raises(Forbidden):
        Guard().require(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    Guard().require(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_disguise_is_no_more_public_than_bare(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    disguises = {
        "mapped": ipaddress.IPv6Address(0xFFFF_0000_0000 | number),
        "compatible": ipaddress.IPv6Address(number),
        "6to4": ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
        "teredo": ipaddress.IPv6Address((0x2001_0000 << 96) | (number ^ 0xFFFF_FFFF)),
        "nat64": ipaddress.IPv6Address((0x0064_FF9B << 96) | number),
    }
    for form, disguise in disguises.items():
        assert not is_public(disguise) or (form == "nat64" and is_public(address)), form


def resolving(*answers: Sequence[str]) -> tuple[list[str], Guard]:
    """A guard whose resolver gives these answers, one after the other, and notes what it was asked."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return asked, Guard(resolve=resolve)


def test_a_name_is_resolved_once_and_all_its_addresses_count() -> None:
    asked, guard = resolving(["93.184.216.34"], ["127.0.0.1"])
    assert guard.addresses("example.org", 443) == ["93.184.216.34"]
    assert asked == ["example.org"]
    with pytest.raises(Forbidden):
        guard.addresses("example.org", 443)
    with pytest.raises(Forbidden):
        resolving(["93.184.216.34", "10.0.0.1"])[1].addresses("example.org", 443)


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "localhost", "017700000001"])
def test_other_spellings_of_this_machine_do_not_pass(host: str) -> None:
    with pytest.raises((Forbidden, Unresolved)):
        Guard().addresses(host, 80)


def test_networks_addresses_and_hosts_can_be_allowed() -> None:
    guard = Guard(["10.1.0.0/16", "127.0.0.1", "CI.internal."], resolve=lambda host, port: ["192.168.7.7"])
    guard.require("10.1.2.3")
    guard.require("127.0.0.1")
    guard.require("::ffff:10.1.2.3")
    assert guard.addresses("ci.internal", 80) == ["192.168.7.7"]
    for refused in ("10.2.0.1", "127.0.0.2", "::1"):
        with pytest.raises(Forbidden):
            guard.require(refused)
    with pytest.raises(Forbidden):
        guard.addresses("evil.ci.internal", 80)


@pytest.mark.parametrize("entry", ["", "http://ci", "10.0.0.0/33", "*.internal", "a b"])
def test_what_cannot_be_allowed_is_refused(entry: str) -> None:
    with pytest.raises(InvalidInput):
        Guard([entry])


def test_a_resolver_that_hangs_or_fails_is_no_answer() -> None:
    never = threading.Event()

    def hang(host: str, port: int) -> Sequence[str]:
        never.wait(30)
        return ["93.184.216.34"]

    def fail(host: str, port: int) -> Sequence[str]:
        raise OSError("no such host")

    for guard in (Guard(resolve=hang, seconds=0.05), Guard(resolve=fail), Guard(resolve=lambda h, p: [])):
        with pytest.raises(Unresolved):
            guard.addresses("example.org", 80)
    never.set()
