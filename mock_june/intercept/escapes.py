"""Commands that only ask another process, of another machine or a daemon's, to run a program: what is changed for the command never reaches that program."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

CONTAINERS = "it asks a daemon to start the program, in a container that has neither this environment nor the guard"
ELSEWHERE = "the program would run on another machine, where nothing is intercepted"
SERVICES = "it asks a service to start the program, outside of this process tree"

ESCAPES = {
    **dict.fromkeys("docker docker-compose podman podman-compose podman-remote nerdctl ctr lxc incus buildah".split(), CONTAINERS),
    **dict.fromkeys("kubectl oc helm ssh mosh rsh vagrant multipass limactl heroku flyctl fly".split(), ELSEWHERE),
    **dict.fromkeys("systemd-run at batch crontab launchctl machinectl flatpak-spawn".split(), SERVICES),
}

PREFIXES = {
    "sudo": "CDghpRrTtUu",
    "doas": "Cu",
    "env": "CSu",
    "nice": "n",
    "ionice": "cnpPu",
    "nohup": "",
    "setsid": "",
    "stdbuf": "eio",
    "time": "fo",
    "timeout": "ks",
    "exec": "a",
    "command": "",
    "xvfb-run": "aefnpsw",
    "catchsegv": "",
    "chronic": "",
    "unbuffer": "",
}
"""Commands that run the command behind them, each with its one-letter options that take a value."""

BETWEEN = re.compile(r"[A-Za-z_]\w*=.*|\d+(\.\d+)?[smhd]?", re.DOTALL)
"""What may stand between a prefix and its command: a variable, `timeout`'s duration."""


def escape(argv: Sequence[str]) -> tuple[str, str] | None:
    """The word of a command that escapes, and why; None where none does. Looks behind paths, `sudo`, `env` and their like."""
    words = list(argv)
    while words:
        word = words.pop(0)
        name = PurePath(word).name.lower().removesuffix(".exe")
        if name in ESCAPES:
            return name, ESCAPES[name]
        if name not in PREFIXES:
            return None
        while words and (words[0].startswith("-") or BETWEEN.fullmatch(words[0])):
            option = words.pop(0)
            if option[0] == "-" and option[1:2] != "-" and option[-1:] in PREFIXES[name] and words:
                words.pop(0)
    return None
