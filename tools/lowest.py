"""Print pip constraints that hold each dependency of pyproject.toml at its lower bound, for `make lowest`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))["project"]
for requirement in [*project["dependencies"], *project["optional-dependencies"]["fast"]]:
    print(re.sub(r">=([0-9.]+)", r"==\1", requirement))
