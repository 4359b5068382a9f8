"""Which host is June's, which must never be reached, and which is nobody's business."""

from __future__ import annotations

import ipaddress
import re
import socket
from enum import Enum

JUNE = "api.june.so"
"""The host whose calls the fake answers."""

METADATA = frozenset({"metadata", "metadata.google.internal", "instance-data", "169.254.169.254", "fd00:ec2::254", "100.100.100.200"})
"""The names and addresses where clouds hand out credentials."""

OLD_SPELLING = re.compile(r"(?:0x[0-9a-f]+|[0-9]+)(?:\.(?:0x[0-9a-f]+|[0-9]+)){0,3}", re.ASCII)


class Way(Enum):
    """What becomes of a connection to a host."""

    FAKE = "fake"
    """It is June's own: the fake answers."""
    FORBIDDEN = "forbidden"
    """A host of june.so that the fake does not play: 403, and never dialled."""
    BLOCKED = "blocked"
    """Another host that is not to be reached: 403."""
    PASS = "pass"  # noqa: S105 - a way, no password
    """Another host: tunnelled untouched."""


def plain(host: str) -> str:
    """A host's name as it is compared: lower case, no brackets, no dot at its end. `API.JUNE.SO.` is `api.june.so`."""
    return host.strip("[]").rstrip(".").lower()


def is_june(host: str) -> bool:
    """Whether a host is June's API."""
    return plain(host) == JUNE


def way(host: str, *, block_others: bool = False) -> Way:
    """What becomes of a connection to `host`, a name or an address."""
    name = plain(host)
    if name == JUNE:
        return Way.FAKE
    if name == "june.so" or name.endswith(".june.so"):
        return Way.FORBIDDEN
    if name == "segment.io" or name.endswith(".segment.io") or _is_metadata(name):
        return Way.BLOCKED
    if block_others and not is_loopback(name):
        return Way.BLOCKED
    return Way.PASS


def why(host: str) -> str:
    """Why a host is not reached, and what to do about it."""
    name = plain(host)
    if name == JUNE:
        return "it is another name of June's own host, which must not be reached"
    if name == "june.so" or name.endswith(".june.so"):
        return "it is a host of june.so that the fake does not play; the fake answers for api.june.so"
    if name == "segment.io" or name.endswith(".segment.io"):
        return "it is Segment's: an SDK is aimed at Segment; aim it at https://api.june.so"
    if _is_metadata(name):
        return "clouds hand out credentials there"
    return "--block-others blocks it"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    name = plain(host)
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def is_address(host: str) -> bool:
    """Whether a host is an address, and no name."""
    return _address(plain(host)) is not None


def _is_metadata(name: str) -> bool:
    address = _address(name)
    return name in METADATA if address is None else str(address) in METADATA or address.is_link_local


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return _old_spelling(name)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _old_spelling(name: str) -> ipaddress.IPv4Address | None:
    """An address as the C library reads it still: `2852039166` and `0xa9fe.0xa9fe` are 169.254.169.254."""
    if not OLD_SPELLING.fullmatch(name):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name))
    except OSError:
        return None
