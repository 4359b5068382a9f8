"""Whose process is at the other end of a loopback connection."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

TABLES = (("/proc/net/tcp", ""), ("/proc/net/tcp6", "::ffff:"))
"""Where Linux lists its sockets. One of IPv6 that speaks to an IPv4 address, as Java's do, stands in the second, with its address mapped."""


def is_ours(peer: tuple[str, int], here: tuple[str, int]) -> bool | None:
    """Whether the socket at `peer`, connected to `here` (IPv4 addresses of this machine), belongs to our user. None where the system does not tell.

    A socket that its process has closed belongs to nobody.
    """
    try:
        for table, prefix in TABLES:
            owner = _owner(Path(table), _written(prefix, peer), _written(prefix, here))
            if owner is not None:
                return owner == os.geteuid()
    except OSError:
        return None
    return False


def _owner(table: Path, peer: bytes, here: bytes) -> int | None:
    with table.open("rb") as rows:
        for row in rows:
            fields = row.split(maxsplit=8)
            if fields[1] == peer and fields[2] == here:
                return int(fields[7])
    return None


def _written(prefix: str, address: tuple[str, int]) -> bytes:
    """An address as the kernel writes it: words of 32 bits in the machine's own order, hexadecimal, then the port."""
    packed = socket.inet_pton(socket.AF_INET6 if prefix else socket.AF_INET, prefix + address[0])
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return ("".join(f"{word:08X}" for word in words) + f":{address[1]:04X}").encode()
