"""Runs the command of its arguments in a network that has nothing but a stand-in for the real June, and another host; counts their connections.

For `unshare --map-root-user --mount --net`. Prints a JSON object: the command's exit code and output, the connections to each.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

ADDRESSES = {"203.0.113.7": "june", "203.0.113.8": "other"}  # RFC 5737: nobody has them
HOSTS = "127.0.0.1 localhost\n203.0.113.7 api.june.so\n203.0.113.8 other.example\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def listen(address: str, port: int, count: Counter[str]) -> None:
    """Counts connections; speaks HTTP on port 80, nothing elsewhere."""
    server = socket.create_server((address, port))

    def serve() -> None:
        while True:
            connection, _ = server.accept()
            count[f"{ADDRESSES[address]}:{port}"] += 1
            with connection:
                if port == 80:
                    connection.recv(65536)
                    connection.sendall(ANSWER)

    threading.Thread(target=serve, daemon=True).start()


def main() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.NamedTemporaryFile("w") as hosts:
        hosts.write(HOSTS)
        hosts.flush()
        Path(hosts.name).chmod(0o644)
        subprocess.run(["mount", "--bind", hosts.name, "/etc/hosts"], check=True)
        count: Counter[str] = Counter()
        for address in ADDRESSES:
            subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
            for port in (80, 443):
                listen(address, port, count)
        ended = subprocess.run(sys.argv[1:], capture_output=True, text=True, timeout=100, check=False, env=os.environ)
        json.dump({"code": ended.returncode, "out": ended.stdout, "err": ended.stderr, "count": count}, sys.stdout)


if __name__ == "__main__":
    main()
