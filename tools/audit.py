"""Ask pip-audit for known vulnerabilities of what is installed here. Exit code 1: there are some. Where nobody can be asked, that is said and no more."""

from __future__ import annotations

import json
import subprocess
import sys

PATIENCE = 180.0
"""Seconds for all of it: lint must not hang where no answer comes."""


def main() -> int:
    """Prints each vulnerability with the version that mends it."""
    command = [sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "--progress-spinner", "off", "--format", "json", "--timeout", "10"]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # pip-audit itself
        found = json.loads(ended.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError):
        print("pip-audit: nobody could be asked for vulnerabilities from here")
        return 0
    asked = [each for each in found if "vulns" in each]
    for each in asked:
        for flaw in each["vulns"]:
            mended = ", ".join(flaw["fix_versions"]) or "no version"
            print(f"{each['name']} {each['version']}: {flaw['id']}, mended in {mended}")
    print(f"pip-audit: {len(asked)} of {len(found)} packages could be asked about")
    return int(any(each["vulns"] for each in asked))


if __name__ == "__main__":
    sys.exit(main())
