"""Strange answers, the same for every vendor: what a gateway, a broken server or a hostile one may say instead of `answer`."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from tests.simulators.server import Close, Drip, Endless, Half, Reply, json_reply

HTML = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/json"}
ELSEWHERE = "http://127.0.0.1:9/elsewhere"
TEN_MB = 10 * 1024 * 1024
DEPTH = 200_000
HUGE_NUMBER = "9" * 400
# These say whose answer it is, or that it is one: the rest is turned upside down around them.
KEPT = ("id", "task_id", "name", "code")
STATUSES = (300, 307, 400, 401, 402, 403, 404, 408, 409, 410, 418, 422, 425, 429, 451, 500, 501, 502, 503, 504)

Strange = Callable[[Reply], Reply]


def status(code: int, **headers: str) -> Strange:
    """An HTTP status with a page in it, as proxies answer."""
    return lambda _: Reply(status=code, body=b"<html>trouble</html>", headers=HTML | headers)


def wrong_types(answer: Reply) -> Reply:
    """Every value is of another type than it should be, except for whose it is."""
    return _changed(answer, lambda value: _swapped(value))


def odd_numbers(answer: Reply) -> Reply:
    """Numbers that are none, endless, or of four hundred digits; and of every word one, too."""
    raw = json.dumps(_mapped(_object(answer), lambda value: "@@" if isinstance(value, int | float) else value))
    return Reply(body=raw.replace('"@@"', HUGE_NUMBER).encode(), headers=JSON)


def not_a_number(answer: Reply) -> Reply:
    """NaN wherever a number stands, as Python writes it."""
    raw = json.dumps(_mapped(_object(answer), lambda value: float("nan") if isinstance(value, int | float) else value))
    return Reply(body=raw.encode(), headers=JSON)


def odd_text(answer: Reply) -> Reply:
    """Texts with a NUL and half a surrogate pair in them."""
    return _changed(answer, lambda value: f"{value}\x00\ud800" if isinstance(value, str) else value)


def with_fields(answer: Reply, fields: Mapping[str, Any]) -> Reply:
    """The same answer with other values; None takes a field away."""
    said = _object(answer)
    holder = said["data"] if isinstance(said.get("data"), dict) else said
    holder |= fields
    for name in [name for name, value in holder.items() if value is None and name in fields]:
        del holder[name]
    return json_reply(said, answer.status)


STRANGE: dict[str, Strange] = {
    "closed": lambda _: Close(),
    "half": lambda answer: Half(status=answer.status, body=answer.body, headers=answer.headers),
    "empty": lambda _: Reply(),
    "html": lambda _: Reply(body=b"<html><body>OK</body></html>", headers=HTML),
    "null": lambda _: Reply(body=b"null", headers=JSON),
    "list": lambda answer: Reply(body=b"[" + answer.body + b"]", headers=JSON),
    "number": lambda _: Reply(body=b"17", headers=JSON),
    "not JSON": lambda answer: Reply(body=answer.body[:-5], headers=JSON),
    "not UTF-8": lambda answer: Reply(body=b"\xff\xfe" + answer.body, headers=JSON),
    "empty object": lambda _: Reply(body=b"{}", headers=JSON),
    "wrong types": wrong_types,
    "odd numbers": odd_numbers,
    "NaN": not_a_number,
    "odd text": odd_text,
    "deep": lambda _: Reply(body=b"[" * DEPTH, headers=JSON),
    "deep object": lambda _: Reply(body=b'{"id":' * DEPTH, headers=JSON),
    "10 MB": lambda answer: Reply(status=answer.status, body=answer.body + b" " * TEN_MB, headers=answer.headers),
    "10 MB of text": lambda _: Reply(body=b'{"id": "' + b"x" * TEN_MB + b'"}', headers=JSON),
    "endless": lambda answer: Endless(body=answer.body, headers=JSON),
    "said to be gzip": lambda answer: Reply(body=answer.body, headers={"Content-Encoding": "gzip"} | JSON),
    "slow": lambda answer: Drip(status=answer.status, body=answer.body, headers=answer.headers, seconds=0.3, pieces=3),
}
# What may come instead of a film.
SPOILED_FILMS: dict[str, Strange] = {
    **{name: STRANGE[name] for name in ("closed", "half", "empty", "html", "null", "endless", "slow", "10 MB")},
    **{str(code): status(code) for code in (403, 404, 410, 429, 500, 502, 503)},
    "sent elsewhere": status(302, Location=ELSEWHERE),
    "corrupt": lambda film: Reply(body=film.body[:32] + random.randbytes(len(film.body)), headers=film.headers),
    "cut off": lambda film: Reply(body=film.body[: len(film.body) // 2], headers=film.headers),
}


def _object(answer: Reply) -> dict[str, Any]:
    found = json.loads(answer.body)
    assert isinstance(found, dict), answer
    return found


def _changed(answer: Reply, change: Callable[[Any], Any]) -> Reply:
    return Reply(status=answer.status, body=json.dumps(_mapped(_object(answer), change)).encode(), headers=JSON)


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """`change` for every leaf and list but what is `KEPT`; objects stay objects."""
    if isinstance(value, dict):
        return {name: each if name in KEPT else _mapped(each, change) for name, each in value.items()}
    if isinstance(value, list) and (inner := [each for each in value if isinstance(each, dict | list)]):
        return [_mapped(each, change) for each in inner]
    return change(value)


def _swapped(value: Any) -> Any:
    match value:
        case bool():
            return "perhaps"
        case str():
            return [17]
        case int() | float():
            return {"x": None}
        case None:
            return 7
    return "a text"
