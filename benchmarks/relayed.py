"""A fake and a relay before it in one process, as `mock-june run` has them. `python -m benchmarks.relayed CA_FILE` prints both ports, ends with its stdin."""

from __future__ import annotations

import sys
from pathlib import Path

from mock_june.contract import Engine
from mock_june.intercept.authority import Authority
from mock_june.intercept.relay import ADDRESS, Relay
from mock_june.journal import Journal
from mock_june.server.serving import Server, listen
from mock_june.server.state import Mock


def main(ca_file: str) -> None:
    """Serves until stdin ends."""
    authority = Authority.create()
    Path(ca_file).write_bytes(authority.certificate)
    server = Server(Mock(Engine(), Journal.open(None)), listen(ADDRESS, 0)).start()
    with Relay(authority, (ADDRESS, server.port)) as relay:
        sys.stdout.write(f"{server.port} {relay.port}\n")
        sys.stdout.flush()
        sys.stdin.read()
    server.stop()
    server.mock.journal.close()


if __name__ == "__main__":
    main(sys.argv[1])
