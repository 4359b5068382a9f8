"""Becomes the command of its arguments, in a system without Landlock: a seccomp filter answers ENOSYS to the call that makes a ruleset."""

from __future__ import annotations

import ctypes
import os
import struct
import sys

SET_NO_NEW_PRIVS, SET_SECCOMP, MODE_FILTER = 38, 22, 2
CREATE_RULESET = 444
ENOSYS = 38

# Classic BPF (linux/filter.h: code, jump if true, jump if false, value) over struct seccomp_data, whose first word is the call's number.
FILTER = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in (
        (0x20, 0, 0, 0),  # load the number
        (0x15, 0, 1, CREATE_RULESET),  # if it is this one
        (0x06, 0, 0, 0x00050000 | ENOSYS),  # SECCOMP_RET_ERRNO
        (0x06, 0, 0, 0x7FFF0000),  # SECCOMP_RET_ALLOW
    )
)


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def main() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(SET_SECCOMP, MODE_FILTER, ctypes.byref(Program(len(FILTER) // 8, FILTER)), 0, 0) != 0:
        sys.exit(f"no seccomp here: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
