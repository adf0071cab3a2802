"""What must never be read in a log: which texts are secrets, and how they are blotted out.

Two nets: the values that this installation knows to be secret, and the shapes that secrets have anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from pydantic import SecretStr

from vividflow.config import Settings

REDACTED = "[redacted]"
# A shorter value is a word that occurs anywhere; blotting it out would make the log unreadable and tell the value.
SHORTEST = 4
LONGEST = 16_384
# Most of a log is the same few words: methods, addresses, names. Looking each up is cheaper than searching it again.
REMEMBERED = 64

_NAMES = (
    r"authorization|(?:proxy|x)[-_]?authorization|(?:set[-_])?cookie|x[-_]api[-_]key|api[-_]?key|api[-_]?token|password|passwd"
    r"|secret|secret[-_]key|webhook[-_]secret|client[-_]secret|access[-_]token|refresh[-_]token|id[-_]token|csrf[-_]token"
    r"|x[-_]csrf[-_]token|signature|token"
)
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
# Each alternative may keep its start (group `k…`); the rest is the secret.
_SHAPES = re.compile(
    "|".join(
        (
            r"(?P<k1>\b(?:set-)?cookie[\"']?\s*[:=]\s*)[^\r\n]+",
            r"(?P<k2>\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}",
            # a query parameter whose value opens something
            r"(?P<k3>[?&;](?:x-(?:amz|goog)-)?(?:signature|sig|credential|security-token|token|access_token|key|api_key|link|code"
            r"|secret|password)=)[^&\s\"'<>#]+",
            # user:password@host
            r"(?P<k4>\w://[^\s/:@\"']*:)[^\s/@\"']+(?=@)",
            # name: value and name=value, also inside JSON and the repr of a dict
            rf"(?P<k5>(?<![\w-])[\"']?(?:{_NAMES})[\"']?\s*[:=]\s*(?:b(?=[\"']))?[\"']?(?:(?:bearer|basic|token)\s+)?+)(?!\[redacted)[^\s\"',;&)}}\]]{{4,}}",
            r"(?P<k6>(?<![\w])(?:__Host-)?(?:vf_)?(?:session|csrf)=)[^;\s,\"']+",
            r"(?P<k7>/api/callbacks/[\w-]+/)[^/?\s\"']+",
            r"(?<![A-Za-z0-9])(?:vf_[A-Za-z0-9]+_[\w-]+|r8_\w{4,}|AIza[\w-]{8,}|whsec_[\w+/=-]{4,}|sk-[\w-]{16,}|ya29\.[\w.-]+|AKIA[0-9A-Z]{16})",
            r"\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?",
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
            # 32 random bytes as base64url: the shape of every secret that this house makes itself
            r"(?<![\w-])(?-i:(?=[\w-]{0,42}[A-Z])[\w-]{43})(?![\w-])",
        )
    ),
    re.IGNORECASE,
)


class Redactor:
    """Blots secrets out of texts and of whatever else is logged."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self.hide(*secrets)

    def hide(self, *secrets: str) -> None:
        """From now on these values are secret too, also written as in an address."""
        every = {form for secret in secrets for form in (secret, quote(secret, safe=""), repr(secret)[1:-1])}
        self._known |= {form for form in every if len(form) >= SHORTEST}
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._remembered = lru_cache(1024)(self._clean)

    def text(self, text: str) -> str:
        """`text` without secrets, and not longer than 16 kB."""
        return self._remembered(text) if len(text) <= REMEMBERED else self._clean(text)

    def value(self, value: object, depth: int = 0) -> Any:
        """`value` as plain JSON values without secrets; what is no JSON becomes its `repr`."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes | bytearray):
            return self.text(bytes(value).decode("utf-8", "backslashreplace"))
        if depth > 8:
            return "…"
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.named(str(key), each, depth + 1) for key, each in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            if len(value) == 2 and isinstance(value, tuple) and isinstance(value[0], str | bytes):
                return [self.value(value[0]), self.named(_word(value[0]), value[1], depth + 1)]  # a header
            return [self.value(each, depth + 1) for each in value]
        return self.text(repr(value))

    def named(self, name: str, value: object, depth: int = 0) -> Any:
        """As `value`, for something stored under `name`: what is called password, token or cookie goes as a whole."""
        if value is not None and not isinstance(value, bool) and _is_secret(name):
            return REDACTED
        return self.text(value) if type(value) is str else self.value(value, depth)

    def _clean(self, text: str) -> str:
        text = text[: 4 * LONGEST]
        if self._pattern is not None:
            text = self._pattern.sub(REDACTED, text)
        text = _SHAPES.sub(_blot, text)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}… (cut)"


@lru_cache(1024)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.fullmatch(name) is not None


def secrets_of(settings: Settings) -> Iterator[str]:
    """Every secret value of the settings: what is typed as a secret, and the passwords inside addresses."""
    for name in type(settings).model_fields:
        setting = getattr(settings, name)
        many = tuple(setting.values()) if isinstance(setting, dict) else setting
        for one in many if isinstance(many, tuple) else (many,):
            if isinstance(one, SecretStr):
                yield one.get_secret_value()
                one = one.get_secret_value()
            if isinstance(one, str) and "://" in one:
                yield from _passwords(one)


def _passwords(address: str) -> Iterator[str]:
    try:
        password = urlsplit(address).password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)


def _blot(match: re.Match[str]) -> str:
    return (match.group(match.lastgroup) if match.lastgroup else "") + REDACTED


def _word(name: str | bytes) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else name
