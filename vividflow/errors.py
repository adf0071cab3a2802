"""Every failure of the house as data: a code, a sentence for a person, and what it means for the job or the request.

Two families, and nothing else, cross a floor:

* `Problem` is what a caller of the API or a page is told (RFC 9457).
* `Outcome` errors are what a step learned from the outside world; the lifecycle turns them into answers.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """One thing wrong with one field: its name, a stable code, a sentence that says what would be accepted."""

    param: str
    code: str
    detail: str


class Problem(Exception):
    """A refusal that is told to the caller as `application/problem+json`.

    `status` is an HTTP status, `code` a stable snake_case word, `detail` one sentence a person can act on,
    `param` the field at fault, `errors` further field errors, `retry_after` whole seconds, `extra` more members
    of the body, `headers` more headers of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        param: str | None = None,
        errors: tuple[FieldError, ...] = (),
        retry_after: int | None = None,
        extra: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.param = param
        self.errors = errors
        self.retry_after = retry_after
        self.extra = extra or {}
        self.headers = headers or {}


class Outcome(Exception):
    """What a step learned: `code` and `message` go on the row and to a person, so they never carry a secret."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Refused(Outcome):
    """The provider certainly did not take the order, nothing was charged, and asking again changes nothing.

    `pauses` says that no order can succeed until the operator acts (401, 402); `retired` that the model is gone.
    """

    def __init__(self, code: str, message: str, *, pauses: bool = False, retired: bool = False) -> None:
        super().__init__(code, message)
        self.pauses = pauses
        self.retired = retired


class Transient(Outcome):
    """It did not work and cost nothing; the same step may be tried again, after `retry_after` seconds if given.

    `counts` is False for a mere "later" (429, a full bucket): it uses up no patience.
    """

    def __init__(self, code: str, message: str, *, retry_after: float | None = None, counts: bool = True) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after
        self.counts = counts


class Permanent(Outcome):
    """The job cannot succeed. `charged` says whether the provider bills it all the same."""

    def __init__(self, code: str, message: str, *, charged: bool = False) -> None:
        super().__init__(code, message)
        self.charged = charged


class Unknown(Outcome):
    """The paid request may or may not have been accepted: the provider must be asked before anything else."""


class LeaseLost(Exception):
    """Another worker holds the row now: whatever was being done must stop and change nothing."""


class Complaints(Exception):
    """Everything that is wrong with a configuration or a registry file, at once."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = complaints
