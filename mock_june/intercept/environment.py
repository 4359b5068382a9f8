"""What a command's environment becomes, so that its runtimes come to the relay: proxy, trust, shims. What the user set is kept, and stands beside ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from mock_june.intercept import trust
from mock_june.intercept.hosts import JUNE, plain
from mock_june.intercept.workplace import Workplace

SHIMS = Path(__file__).parent / "shims"
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
OWN = ("localhost", "127.0.0.1", "::1")
"""Whom no proxy is asked about: the command may talk to servers of its own."""


def build(base: Mapping[str, str], proxy_url: str, place: Workplace, *, carry: bool) -> dict[str, str]:
    """The environment of a command: `base`, changed so that calls to June's host go to the relay at `proxy_url` (`http://user:secret@127.0.0.1:port`).

    `carry`: the shims bring ports 80 and 443 of all other hosts to the relay too, since the guard has closed the direct way.
    """
    proxy = urlsplit(proxy_url)
    relay = f"{proxy.hostname}:{proxy.port}"
    env = dict(base)
    for name in PROXIES:
        env[name] = env[name.lower()] = proxy_url
    env["NO_PROXY"] = env["no_proxy"] = ",".join(_direct(base))
    env["NODE_USE_ENV_PROXY"] = "1"
    for name in trust.VARIABLES:
        env[name] = str(place.bundle)
    env["SYSTEM_WGETRC"] = str(place.wget)
    env["PHP_INI_SCAN_DIR"] = f"{base.get('PHP_INI_SCAN_DIR', '')}:{place.php}"
    env["JAVA_TOOL_OPTIONS"] = _joined(" ", _java(relay, _direct(base), place), base.get("JAVA_TOOL_OPTIONS"))
    env["NODE_OPTIONS"] = _joined(" ", f"--require {_node_quoted(SHIMS / 'node' / 'june.cjs')}", base.get("NODE_OPTIONS"))
    env["PYTHONPATH"] = _joined(":", str(SHIMS / "python"), base.get("PYTHONPATH"))
    env["MOCK_JUNE_RELAY"] = relay
    env["MOCK_JUNE_CA"] = str(place.authority)
    env["MOCK_JUNE_CARRY"] = "1" if carry else ""
    return env


def outside(base: Mapping[str, str]) -> tuple[str | None, str]:
    """How the relay is to reach other hosts: the user's own proxy (None: without one), and the list of hosts to be reached without it."""
    proxy = next((base[name] for stem in ("HTTPS_PROXY", "ALL_PROXY") for name in (stem.lower(), stem) if base.get(name)), None)
    return proxy, base.get("no_proxy") or base.get("NO_PROXY", "")


def _direct(base: Mapping[str, str]) -> list[str]:
    """The hosts that are reached without a proxy: this machine's own, and the user's list without what would exempt June."""
    listed = [entry.strip() for name in ("no_proxy", "NO_PROXY") for entry in base.get(name, "").split(",")]
    return list(dict.fromkeys([*OWN, *(entry for entry in listed if entry and not _exempts_june(entry))]))


def _exempts_june(entry: str) -> bool:
    """Whether an entry of NO_PROXY is about June's host to some client: `*`, the host itself, or a domain that it is in, with or without dot, star, port."""
    name = plain(re.sub(r":\d+$", "", entry)).lstrip("*").lstrip(".")
    return not name or name == JUNE or JUNE.endswith(f".{name}")


def _java(relay: str, direct: Iterable[str], place: Workplace) -> str:
    """Options of the virtual machine, whose proxy knows no password: the relay knows its user by the connection."""
    host, _, port = relay.partition(":")
    hosts = "|".join(f"[{entry}]" if ":" in entry else re.sub(r"^\.", "*.", entry) for entry in direct)
    options = [f"-D{scheme}.{name}={value}" for scheme in ("http", "https") for name, value in (("proxyHost", host), ("proxyPort", port))]
    options += [f"-Dhttp.nonProxyHosts={hosts}", f"-Djavax.net.ssl.trustStore={place.java}", "-Djavax.net.ssl.trustStoreType=JKS"]
    return " ".join(f'"{option}"' if re.search(r"\s", option) else option for option in options)


def _node_quoted(path: Path) -> str:
    r"""A path as NODE_OPTIONS takes one with blanks in it: in double quotes, with `"` and `\` behind a backslash."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _joined(separator: str, ours: str, theirs: str | None) -> str:
    return f"{ours}{separator}{theirs}" if theirs else ours
