"""Beside pytest-socket, which keeps tests from the network: the fake's host is let through."""

from __future__ import annotations

import socket
from _socket import socket as plain
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit


def let_pass(guard: ModuleType, url: str) -> None:
    """Lets a test reach the fake's host, which `guard`, the module of pytest-socket, keeps from the network; and no other."""
    host = urlsplit(url).hostname
    if socket.socket.__module__ == guard.__name__:  # none may be made
        guard.enable_socket()
        guard.socket_allow_hosts([host], allow_unix_socket=True)  # an event loop wakes itself by a pair of them
    elif getattr(socket.socket.connect, "__module__", None) == guard.__name__:  # they may go to some hosts
        guarded = socket.socket.connect

        def connect(sock: socket.socket, address: Any) -> None:
            (plain.connect if isinstance(address, tuple) and address[0] == host else guarded)(sock, address)

        socket.socket.connect = connect  # type: ignore[method-assign, assignment]  # pytest-socket takes it away at the test's end, as it does its own
