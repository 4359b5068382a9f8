"""MockJuneError and its kin. Each carries the facts as attributes, the HTTP status a server would answer with, and the exit code of a command."""

from __future__ import annotations

from mock_june.model import Event, Violation


class MockJuneError(Exception):
    """The root of all errors that mock-june raises on purpose. Its text says what to do.

    `status` is the HTTP status that fits, `code` the refusal's code, `exit_code` what a command ends with.
    """

    status = 500
    code = "internal_error"
    exit_code = 2


class UsageError(MockJuneError):
    """A call of ours with arguments that make no sense: an unknown contract, kind or rule, a number outside its range."""

    status = 400
    code = "invalid_request"


class ForbiddenError(MockJuneError):
    """A question that its asker may not ask: of a workspace that is another key's."""

    status = 403
    code = "forbidden"


class SchemaError(MockJuneError):
    """A schema file that is missing or is no JSON Schema 2020-12. `path` names it."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class JournalError(MockJuneError):
    """A journal that cannot be used: held by another process, of another program, of a newer schema, unreadable. The file was not touched. `path` names it."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class JournalUnwritableError(MockJuneError):
    """A call could not be recorded (disk full, file gone read-only), so it must not be answered as accepted. `reason` is SQLite's."""

    status = 503
    code = "journal_unwritable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the journal cannot be written ({reason}): nothing of this call was recorded; free the disk, then send it again")
        self.reason = reason


class ServerError(MockJuneError):
    """A server that cannot start, mostly since its port is taken. `host` and `port` name where."""

    def __init__(self, message: str, host: str = "", port: int = 0) -> None:
        super().__init__(message)
        self.host = host
        self.port = port


class UnreachableError(MockJuneError):
    """A mock or server that does not answer at `url`."""

    def __init__(self, message: str, url: str = "") -> None:
        super().__init__(message)
        self.url = url


class LostAnswerError(UnreachableError):
    """A call was sent and its answer did not come: the call may have been taken. Sent again without a care, it is doubled."""


class RefusedError(MockJuneError):
    """A call was refused. `status` and `code` are the answer's, `violations` what it broke; `retry_after` in seconds, where the answer gave it."""

    exit_code = 1

    def __init__(self, message: str, status: int, code: str = "", violations: tuple[Violation, ...] = (), retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.violations = violations
        self.retry_after = retry_after


class MissingExtraError(MockJuneError):
    """A feature whose optional packages are not installed. `extra` is what to add: `pip install "mock-june[extra]"`."""

    def __init__(self, message: str, extra: str = "") -> None:
        super().__init__(message)
        self.extra = extra


class NotReceivedError(MockJuneError, AssertionError):
    """What a test waited for did not come. `events` are those that matched, oldest first; the text shows which others came near. In a test it is a failure."""

    status = 404
    code = "not_received"
    exit_code = 1

    def __init__(self, message: str, events: tuple[Event, ...] = ()) -> None:
        super().__init__(message)
        self.events = events
