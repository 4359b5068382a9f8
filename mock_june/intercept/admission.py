"""Who may use the relay: whoever knows its secret; where a client cannot be told that, a process of our own user. Never a page of a browser."""

from __future__ import annotations

from mock_june.intercept.heads import Head, Place, Refusal
from mock_june.intercept.traffic import Counting
from mock_june.intercept.tunnel import Client

CHALLENGE = ("Proxy-Authenticate", 'Basic realm="mock-june"')
SECRETLESS = ("Java/", "Java-http-client/")
"""Clients that cannot be given a proxy's password from outside: of them the user is asked, as of those that come without a proxy."""

BARE = {"host"}
"""The headers of a CONNECT of java.net.http, which names no client. Others name one, or a proxy's connection."""

STRANGER = "a process of another user asked"

PAGE = "the relay of a mock-june run serves no page of a browser"
NO_STRANGER = "the relay of a mock-june run serves the processes of its own user alone"
NO_SECRET = "the relay of a mock-june run wants its secret: use the proxy's URL as it stands in HTTPS_PROXY"  # noqa: S105 - a text


class Admission:
    """Asked of each connection. `secret` is what a proxy's user must know; a stranger that comes without a proxy is counted."""

    def __init__(self, secret: str, counting: Counting) -> None:
        self._secret = secret
        self._counting = counting

    def want_secret(self, client: Client, head: Head) -> None:
        """Of a request to a proxy. Raises Refusal."""
        if head.knows(self._secret):
            return
        _refuse_page(head)
        if not head.all("proxy-authorization") and _cannot_know(head) and client.is_ours():
            return
        raise Refusal(407, "unauthorized", NO_SECRET, CHALLENGE)

    def want_our_user(self, client: Client, place: Place, head: Head | None = None) -> None:
        """Of a connection for `place` that a shim has led here; `head` where it is no TLS. Raises Refusal."""
        if head is not None:
            _refuse_page(head)
        if not client.is_ours():
            self._counting.blocked(place, STRANGER)
            raise Refusal(403, "forbidden", NO_STRANGER)


def _refuse_page(head: Head) -> None:
    """A page says by its Origin that it is one."""
    if head.all("origin"):
        raise Refusal(403, "forbidden", PAGE)


def _cannot_know(head: Head) -> bool:
    """Whether a request is of a client that cannot be told the secret."""
    agents = head.all("user-agent")
    if not agents:
        return head.method == "CONNECT" and {name.lower() for name, _ in head.fields} == BARE
    return agents[0].startswith(SECRETLESS)
