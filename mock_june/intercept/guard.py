"""The guard: a process, and all that it starts, that can open no TCP connection to ports 80 and 443.

It is Landlock's, which needs no rights and no setting up: Linux 6.7 or newer (ABI 4), where its builder left it in. What it takes away nothing gives back: not
another program, not an empty environment. Its network rules are lists of what is allowed, by port, so that everything but the two is (kernel.org,
userspace-api/landlock). UDP, and so QUIC, it does not know.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable

from mock_june.errors import MockJuneError

CLOSED = (80, 443)
"""The ports that a guarded process cannot reach, of any host."""

ENOUGH = 4
"""The first ABI of Landlock that has rules for the network."""

WHY_NOT = "this system has no Landlock with rules for the network (Linux 6.7 and newer have, unless it was left out)"

# The system calls' numbers are the same on every architecture.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION = 1 << 0  # LANDLOCK_CREATE_RULESET_VERSION
CONNECT_TCP = 1 << 1  # LANDLOCK_ACCESS_NET_CONNECT_TCP
NET_PORT = 2  # LANDLOCK_RULE_NET_PORT
SET_NO_NEW_PRIVS = 38  # prctl's


class GuardError(MockJuneError):
    """The guard cannot be put up here; the text says why."""


def abi() -> int:
    """The version of Landlock's interface that this kernel has; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    return max(0, _syscall(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32)(CREATE_RULESET, None, 0, VERSION))


def available() -> bool:
    """Whether `restrict` can work here."""
    return abi() >= ENOUGH


def restrict() -> None:
    """Closes ports 80 and 443 to the calling thread and to all that it starts, for good; to other threads of the process it does nothing.

    Unless the thread has CAP_SYS_ADMIN, it and what it starts can no longer gain rights by a program's set-user-ID bit. Raises GuardError.
    """
    if not available():
        raise GuardError(WHY_NOT)
    # struct landlock_ruleset_attr: handled_access_fs, handled_access_net.
    ruleset = _checked(_syscall(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32)(CREATE_RULESET, (ctypes.c_uint64 * 2)(0, CONNECT_TCP), 16, 0))
    try:
        _allow_others(ruleset)
        enter = _syscall(ctypes.c_int, ctypes.c_uint32)
        if enter(RESTRICT_SELF, ruleset, 0) != 0:
            # A thread with CAP_SYS_ADMIN may do it as it is, and keeps `sudo` and the like for its children; any other has to promise first.
            ctypes.CDLL(None).prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            _checked(enter(RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow_others(ruleset: int) -> None:
    """65,534 calls of the system, 70 ms: one structure, changed in place, and a function bound once."""
    rule = (ctypes.c_uint64 * 2)(CONNECT_TCP, 0)  # struct landlock_net_port_attr: allowed_access, port
    address = ctypes.addressof(rule)
    add = _syscall(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32)
    for port in range(1 << 16):
        if port not in CLOSED:
            rule[1] = port
            if add(ADD_RULE, ruleset, NET_PORT, address, 0) != 0:
                _checked(-1)


def _syscall(*types: type[ctypes._SimpleCData[int] | ctypes.c_void_p]) -> Callable[..., int]:
    """The C library's `syscall` for arguments of these types, after the call's number."""
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.argtypes = (ctypes.c_long, *types)
    call.restype = ctypes.c_long
    return call


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        why = "too many guards stand around this process already" if number == errno.E2BIG else os.strerror(number)
        raise GuardError(f"the guard cannot be put up: {why}")
    return answer
