"""Who runs into the guard: a look at each connection as it is opened, so that one which the guard then stops can be told of by name.

Landlock says to nobody but its victim whom it has stopped. Seccomp's user notification (seccomp(2), seccomp_unotify(2)) lets the keeper hear of each `connect`
before it happens, of every process that it starts; each is let go on as it is, and the guard alone decides. As with the guard, nothing takes it back.

A `connect` takes less than 0.1 ms longer for it. A signal that comes in the first moment of that, before the keeper has woken, starts it anew, or, where its
handler was set up without SA_RESTART, ends it with EINTR.
"""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import os
import platform
import signal
import socket
import struct
import sys
import threading
from collections import Counter
from typing import NamedTuple, Self

from mock_june.intercept.guard import CLOSED
from mock_june.intercept.heads import Place
from mock_june.intercept.traffic import MOST_NAMES, OTHERS

if sys.platform == "linux":
    import fcntl


class Machine(NamedTuple):
    """What differs between processors: AUDIT_ARCH (linux/audit.h), and the numbers of two system calls."""

    arch: int
    connect: int
    seccomp: int


MACHINES = {"x86_64": Machine(0xC000003E, 42, 317), "aarch64": Machine(0xC00000B7, 203, 277), "riscv64": Machine(0xC00000F3, 203, 277)}

SET_MODE_FILTER = 1
FLAGS = 1 << 3 | 1 << 5  # SECCOMP_FILTER_FLAG_NEW_LISTENER, _WAIT_KILLABLE_RECV: no signal breaks a `connect` off that is being looked at
ALLOW, NOTIFY = 0x7FFF0000, 0x7FC00000  # SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF
RECEIVE, SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV, _SEND
CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE

CALL = struct.Struct("=QIIiIQ6Q")
"""struct seccomp_notif: id, pid (of the thread), flags; then struct seccomp_data: number, arch, instruction, six arguments."""
ANSWER = struct.Struct("=QqiI")
"""struct seccomp_notif_resp: id, val, error, flags."""

LENGTHS = (16, 28)
"""Bytes of a sockaddr_in and a sockaddr_in6, as all clients give them; pipes have other lengths, and need not wait."""


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


class Witness:
    """Counts the connections that the guard stops, by the process's name and the `host:port`. Made by `stand`; until `begin` every `connect` waits."""

    def __init__(self, listener: int) -> None:
        self.stopped: Counter[tuple[str, str]] = Counter()
        self._listener = listener

    @classmethod
    def stand(cls) -> Self | None:
        """Has the calling thread and all that it starts looked at. It is to be guarded already. None where the system does not let us.

        That is so on processors that we do not know, and where somebody looks already: another run around this one.
        """
        machine = MACHINES.get(platform.machine())
        if machine is None or sys.maxsize < 1 << 32:  # a 32-bit interpreter's numbers are others
            return None
        code = _filter(machine)
        syscall = ctypes.CDLL(None, use_errno=True).syscall
        listener = syscall(machine.seccomp, SET_MODE_FILTER, FLAGS, ctypes.byref(Program(len(code) // 8, code)))
        return None if listener < 0 else cls(listener)

    def begin(self) -> None:
        """Looks, in a thread, until this process ends. Nothing is forked after that."""
        threading.Thread(target=self._look, name="mock-june-witness", daemon=True).start()

    def _look(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # they are for the main thread
        try:
            while True:
                self._next()
        finally:  # should we break: `connect` fails then, and does not wait
            os.close(self._listener)

    def _next(self) -> None:
        """One `connect`: waits for it, looks, lets it go on."""
        call = bytearray(CALL.size)
        with contextlib.suppress(FileNotFoundError):  # the process was killed meanwhile
            fcntl.ioctl(self._listener, RECEIVE, call, True)  # noqa: FBT003 - it writes into the buffer
            number, thread, _, _, _, _, descriptor, address, length, *_ = CALL.unpack(call)
            with contextlib.suppress(OSError, ValueError):  # a process that we may not look into, or an address that is none
                self._saw(thread, descriptor, address, length)
            fcntl.ioctl(self._listener, SEND, ANSWER.pack(number, 0, 0, CONTINUE))

    def _saw(self, thread: int, descriptor: int, address: int, length: int) -> None:
        """Counts a `connect(descriptor, address, length)` where it is TCP to a closed port. Raises OSError, ValueError."""
        place = _place(_read(thread, address, length))
        if place is None or place.port not in CLOSED or not os.getxattr(f"/proc/{thread}/fd/{descriptor}", "system.sockprotoname").startswith(b"TCP"):
            return
        key = (_name(thread), str(place))
        self.stopped[key if key in self.stopped or len(self.stopped) < MOST_NAMES else ("others", OTHERS)] += 1


def _filter(machine: Machine) -> bytes:
    """Classic BPF (linux/filter.h: code, jump if true, jump if false, value) over struct seccomp_data: a `connect` to an IP address is told of."""
    instructions = (
        (0x20, 0, 0, 4),  # load the architecture
        (0x15, 0, 6, machine.arch),  # a 32-bit program's numbers are others
        (0x20, 0, 0, 0),  # load the call's number
        (0x15, 0, 4, machine.connect),
        (0x20, 0, 0, 32),  # load the third argument, of which the lower half comes first
        (0x15, 1, 0, LENGTHS[0]),
        (0x15, 0, 1, LENGTHS[1]),
        (0x06, 0, 0, NOTIFY),
        (0x06, 0, 0, ALLOW),
    )
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)


def _read(thread: int, address: int, length: int) -> bytes:
    """What stands in a process's memory. Raises OSError."""
    memory = os.open(f"/proc/{thread}/mem", os.O_RDONLY)
    try:
        return os.pread(memory, length, address)
    finally:
        os.close(memory)


def _place(raw: bytes) -> Place | None:
    """The host and port of a sockaddr; None for one of another family. Raises ValueError."""
    family = int.from_bytes(raw[:2], sys.byteorder)
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return None
    six = family == socket.AF_INET6
    address = ipaddress.ip_address(raw[8:24] if six else raw[4:8])
    return Place(str(getattr(address, "ipv4_mapped", None) or address), int.from_bytes(raw[2:4], "big"))


def _name(thread: int) -> str:
    """What the kernel calls the process that a thread belongs to, at most 15 characters."""
    with open(f"/proc/{thread}/status", "rb") as status:  # noqa: PTH123 - a Path would be no shorter
        process = next((int(line.split()[1]) for line in status if line.startswith(b"Tgid:")), thread)
    with open(f"/proc/{process}/comm", "rb") as comm:  # noqa: PTH123
        return comm.read().rstrip(b"\n").decode("utf-8", "replace")
