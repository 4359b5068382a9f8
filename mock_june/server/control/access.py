"""Whom the control API believes: requests to a name of the server's own, from its own page or from no page at all, with the token where one is wanted.

A page of another site can make a browser send requests to loopback, and by DNS rebinding it can read the answers, under its own name
(CVE-2018-14505, CVE-2025-66414). So the Host must be one of ours, and the Origin, where there is one, that very Host.
"""

from __future__ import annotations

import hmac
import ipaddress
import re

from mock_june.model import ApiKey
from mock_june.server import answers
from mock_june.server.answers import Answer, refusal
from mock_june.server.auth import Pairs, key_from_basic
from mock_june.server.state import Mock, Settings

TOKEN_HEADER = "x-mock-june-token"  # noqa: S105 -- a header's name
TOKEN_CHALLENGE: answers.Headers = (("www-authenticate", 'Token realm="mock-june"'),)
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::([0-9]{1,5}))?\Z")


def guard(mock: Mock, headers: Pairs, *, public: bool = False) -> Answer | None:
    """Why a control request is refused, None if it is not. `headers` with names in lower case. `public`: what holds no data, so needs no token."""
    hosts = _all(headers, "host")
    host = hosts[0].lower() if len(hosts) == 1 else ""
    if not _is_own(host, mock.settings):
        return _foreign_host(host)
    origins = _all(headers, "origin")
    if origins and (len(origins) > 1 or origins[0].lower() not in {f"http://{host}", f"https://{host}"}):
        return refusal(403, "forbidden", "the request comes from a page of another site; only the fake's own page may use the control API")
    if _is_cross_site(headers):
        return refusal(403, "forbidden", "the browser says that the request comes from another site (Sec-Fetch-Site); open the fake's own page instead")
    if mock.settings.token is not None and not public and not _has_token(headers, mock.settings.token):
        message = "the control API wants the header X-Mock-June-Token (of `mock-june calls`: --token T); the token was printed at the start"
        return refusal(401, "unauthorized", message, headers=TOKEN_CHALLENGE)
    spoken = _all(headers, "authorization")
    if spoken and (len(spoken) > 1 or key_from_basic(spoken[0]) is None):
        message = "the Authorization header is not `Basic <api key>`; correct it, or leave it away to speak of all workspaces"
        return refusal(401, "unauthorized", message, headers=answers.CHALLENGE)
    return None


def workspace(mock: Mock, headers: Pairs) -> str | None:
    """The workspace that a request which passed the guard is narrowed to, None: it speaks of all. The key need not be one that is taken."""
    spoken = _all(headers, "authorization")
    if not spoken:
        return None
    key = mock.keys.key_of(headers)
    if key is None:
        spelled = key_from_basic(spoken[0])
        key = ApiKey(spelled) if spelled else None
    return None if key is None else mock.workspace(key)


def _all(headers: Pairs, name: str) -> list[str]:
    return [value.strip() for key, value in headers if key == name]


def _is_own(host: str, settings: Settings) -> bool:
    """Whether a Host header, in lower case, names this server. The port is free, since it may be forwarded, unless `--allow-host` gives one."""
    match = HOST.match(host)
    if match is None:
        return False
    name, port = _plain(match[1]), match[2]
    own = {*LOOPBACK, _plain(_bracketed(settings.host.lower()))}
    for allowed in settings.allow_hosts:
        given = HOST.match(_bracketed(allowed.lower()))
        if given is not None and given[2] in (None, port):
            own.add(_plain(given[1]))
    return name != "" and name in own


def _plain(name: str) -> str:
    """One spelling of a name: no dot at the end, an IPv6 address in its short form."""
    if name.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(name[1:-1]).compressed}]"
        except ValueError:
            return ""
    return name.removesuffix(".")


def _bracketed(name: str) -> str:
    return f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name


def _foreign_host(host: str) -> Answer:
    match = HOST.match(host)
    if match is None:
        return refusal(403, "forbidden", "the control API wants exactly one Host header, and in it a name of this server, such as localhost")
    name = match[1].removesuffix(".")
    return refusal(403, "forbidden", f"the control API does not answer under the name {name}; if it is this server's, start it with `--allow-host {name}`")


def _is_cross_site(headers: Pairs) -> bool:
    """Whether a browser says that another site's page sent this. A followed link may come: its page cannot read what it leads to."""
    if not any("cross-site" in value for value in _all(headers, "sec-fetch-site")):
        return False
    return not (_all(headers, "sec-fetch-mode") == ["navigate"] and _all(headers, "sec-fetch-dest") == ["document"])


def _has_token(headers: Pairs, token: str) -> bool:
    given = _all(headers, TOKEN_HEADER)
    return len(given) == 1 and hmac.compare_digest(given[0].encode("latin-1", "replace"), token.encode())
