"""The types of fields: what comes as JSON, as form text or as query text is read the same way, or refused in words."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import PydanticCustomError, core_schema

_INTEGER = re.compile(r"[+-]?[0-9]{1,30}(?:\.0{1,30})?").fullmatch
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,3})?").fullmatch
_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
LINE_BREAKS = "\n\t"
BOOLEAN_PATTERN = "^(?:[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo]|[Oo][Nn]|[Oo][Ff][Ff]|0|1)$"
PLAIN_PATTERN = r"^[^\x00-\x1f\x7f-\x9f]*$"
INTEGER_PATTERN = r"^[+-]?[0-9]{1,30}(\.0{1,30})?$"
MOMENT_PATTERN = (
    "^(19[7-9][0-9]|2[0-9]{3})-[01][0-9]-[0-3][0-9]"
    "(T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?(Z|[+-][01][0-9]:[0-5][0-9]))?$"
)
_MOMENT = re.compile(MOMENT_PATTERN).fullmatch
DAY_LENGTH, DAY_SECONDS = 10, 86400
DECIMAL_PATTERN = r"^[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?$"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How one field is read (`read` raises what `refuse` makes) and how the OpenAPI document describes it."""

    read: Callable[[object], Any]
    schema: dict[str, Any]

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> core_schema.CoreSchema:
        """pydantic asks this; `read` does all the work."""
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, _core: Any, _handler: Any) -> dict[str, Any]:
        """pydantic asks this for the document."""
        return dict(self.schema)


def refuse(code: str, sentence: str) -> PydanticCustomError:
    """The error of one field: a stable code and a sentence that says what would be accepted."""
    return PydanticCustomError(code, sentence.replace("{", "{{").replace("}", "}}"))  # pyright: ignore[reportArgumentType]


def whole(code: str, low: int, high: int, sentence: str) -> Rule:
    """A whole number from `low` to `high`, as a number or as text ("8", "8.0")."""

    def read(value: object) -> int | None:
        if value is None:
            return None
        number = _whole(value)
        if number is None or not low <= number <= high:
            raise refuse(code, sentence)
        return number

    schema = {
        "anyOf": [
            {"type": "integer", "minimum": low, "maximum": high},
            {"type": "string", "pattern": INTEGER_PATTERN},
            {"type": "null"},
        ],
        "description": sentence,
    }
    return Rule(read=read, schema=schema)


def decimal(code: str, low: float, high: float, sentence: str) -> Rule:
    """A finite number from `low` to `high`, as a number or as text."""

    def read(value: object) -> float | None:
        if value is None:
            return None
        number = _decimal(value)
        if number is None or not low <= number <= high:
            raise refuse(code, sentence)
        return number

    schema = {
        "anyOf": [
            {"type": "number", "minimum": low, "maximum": high},
            {"type": "string", "pattern": DECIMAL_PATTERN},
            {"type": "null"},
        ],
        "description": sentence,
    }
    return Rule(read=read, schema=schema)


def truth(code: str, sentence: str) -> Rule:
    """true or false, also as text (true, false, yes, no, on, off, 1, 0); never as a number."""

    def read(value: object) -> bool | None:
        if value is None or isinstance(value, bool):
            return value
        known = _BOOLEANS.get(value.strip().lower()) if isinstance(value, str) else None
        if known is None:
            raise refuse(code, sentence)
        return known

    schema = {
        "anyOf": [{"type": "boolean"}, {"type": "string", "pattern": BOOLEAN_PATTERN}, {"type": "null"}],
        "description": sentence,
    }
    return Rule(read=read, schema=schema)


def choice(code: str, options: tuple[str, ...], sentence: str) -> Rule:
    """One of a few words."""

    def read(value: object) -> str | None:
        if value is not None and value not in options:
            raise refuse(code, sentence)
        return value  # pyright: ignore[reportReturnType]

    schema = {"anyOf": [{"type": "string", "enum": list(options)}, {"type": "null"}], "description": sentence}
    return Rule(read=read, schema=schema)


def text(
    code: str,
    longest: int,
    sentence: str,
    *,
    check: Callable[[str], bool] | None = None,
    schema: dict[str, Any] | None = None,
) -> Rule:
    """Text without control characters, of at most `longest` characters; `check` may refuse more of it."""

    def read(value: object) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str) or len(value) > longest:
            raise refuse(code, sentence)
        if bad_characters(value, allowed=""):
            raise refuse("invalid_text", f"Control characters and broken Unicode are not taken. {sentence}")
        if check is not None and not check(value):
            raise refuse(code, sentence)
        return value

    own = {"type": "string", "maxLength": longest, "pattern": PLAIN_PATTERN} | (schema or {})
    return Rule(read=read, schema={"anyOf": [own, {"type": "null"}], "description": sentence})


def bad_characters(value: str, *, allowed: str = LINE_BREAKS) -> bool:
    """Whether there are control characters (other than `allowed`), NUL bytes or lone surrogates in it."""
    if value.isascii() and value.isprintable():
        return False
    return any(unicodedata.category(c) in ("Cc", "Cs") and c not in allowed for c in value)


def moment(code: str, sentence: str, *, end: bool = False) -> Rule:
    """A day (2026-11-01, UTC) or a time (2026-11-01T12:00:00Z) as seconds since 1970: a day is its beginning, or its `end`."""

    def read(value: object) -> float | None:
        if value is None:
            return None
        found = _moment(value, end) if isinstance(value, str) else None
        if found is None:
            raise refuse(code, sentence)
        return found

    schema = {"anyOf": [{"type": "string", "pattern": MOMENT_PATTERN}, {"type": "null"}], "description": sentence}
    return Rule(read=read, schema=schema)


def is_id(value: str) -> bool:
    """Whether it has the form of our ids: a UUID in small letters."""
    return _UUID(value) is not None


def _moment(value: str, end: bool) -> float | None:
    if not _MOMENT(value):
        return None
    try:
        found = datetime.fromisoformat(value if len(value) > DAY_LENGTH else f"{value}T00:00:00Z").timestamp()
    except ValueError:
        return None
    return found + DAY_SECONDS if end and len(value) == DAY_LENGTH else found


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() and abs(value) < 2**63 else None
    if isinstance(value, str) and _INTEGER(value.strip()):
        return int(value.strip().partition(".")[0])
    return None


def _decimal(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = float(value.strip()) if _DECIMAL(value.strip()) else None
    if isinstance(value, int):
        return float(value) if abs(value) < 2**63 else None
    return value if isinstance(value, float) and math.isfinite(value) else None
