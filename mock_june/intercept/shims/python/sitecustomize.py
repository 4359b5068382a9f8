"""What a Python child of `mock-june run` starts with: the redirect, and then the `sitecustomize` that this one hides, as if it were the only one.

Python 3.8 and later, the standard library alone.
"""

import os
import sys


def _redirect() -> None:
    """Sends what is meant for api.june.so to the relay that the environment names."""
    relay, authority = os.environ.get("MOCK_JUNE_RELAY", ""), os.environ.get("MOCK_JUNE_CA", "")
    if not relay:
        return
    import mock_june_redirect  # type: ignore[import-not-found]  # it lies beside this file, which is on the path

    host, _, port = relay.rpartition(":")
    try:
        mock_june_redirect.install(host, int(port), authority, carries=os.environ.get("MOCK_JUNE_CARRY") == "1")
    except OSError as error:  # the run is over, or its folder is gone: still nothing may reach June
        sys.stderr.write(f"mock-june: {authority} cannot be read ({error.strerror}): calls to api.june.so will fail\n")
        mock_june_redirect.Redirect((host, int(port)), "").install()


def _hidden() -> None:
    """Runs the next `sitecustomize` on the path, under its name: a distribution or a virtual environment may have one."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib takes long to import
    ours, path = sys.modules.pop(__name__), sys.path[:]
    sys.path[:] = [folder for folder in path if os.path.abspath(folder) != here]  # noqa: PTH100
    try:
        import sitecustomize  # type: ignore[import-not-found]  # noqa: F401 - the other
    except ImportError as error:
        sys.modules[__name__] = ours  # the import of this one ends with what stands there
        if error.name != __name__:
            raise
    finally:
        sys.path[:0] = [folder for folder in path if os.path.abspath(folder) == here]  # noqa: PTH100


_redirect()
_hidden()
