"""mock-june: a fake June (june.so) to run locally and in CI, and the tools around it.

The public names load when they are first asked for, so that `import mock_june` costs nothing and brings nothing along.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_june.contract import check
    from mock_june.errors import MockJuneError
    from mock_june.model import Verdict, Violation

__version__ = "0.1.0"
__all__ = ["MockJuneError", "Verdict", "Violation", "__version__", "check"]

HOMES = {"check": "mock_june.contract", "MockJuneError": "mock_june.errors", "Verdict": "mock_june.model", "Violation": "mock_june.model"}


def __getattr__(name: str) -> Any:
    """A public name, out of the module that defines it (PEP 562)."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
