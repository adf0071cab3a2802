"""Google's side of a signed callback: RS256 tokens, and the key set that they are checked against."""

from __future__ import annotations

import base64
import json
import threading
import time
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

AUDIENCE = "simulated-project"


_MAKING = threading.Lock()


def private_key(name: str) -> rsa.RSAPrivateKey:
    """The key of that name, made once a process, however many threads want it first."""
    with _MAKING:
        return _made(name)


@cache
def _made(_name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Signer:
    """Signs as the key `kid`; `key_set` is what is published."""

    def __init__(self, kid: str = "sim-1") -> None:
        self.kid = kid

    def token(self, claims: dict[str, Any], *, forged: bool = False, **head: Any) -> str:
        """A token of these claims, valid now unless they say otherwise; a forged one is signed by somebody else."""
        now = int(time.time())
        plain = {"iss": "https://generativelanguage.googleapis.com", "aud": AUDIENCE, "iat": now, "exp": now + 600}
        signed = f"{_part({'alg': 'RS256', 'typ': 'JWT', 'kid': self.kid} | head)}.{_part(plain | claims)}"
        key = private_key("somebody else" if forged else self.kid)
        return f"{signed}.{_plain(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"

    def key_set(self) -> dict[str, Any]:
        """The JSON Web Key Set with the public key, and with one of another kind."""
        numbers = private_key(self.kid).public_key().public_numbers()
        key = {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "n": _whole(numbers.n),
            "e": _whole(numbers.e),
        }
        return {"keys": [{"kty": "EC", "kid": "sim-ec", "crv": "P-256"}, key]}


def _part(value: Any) -> str:
    return _plain(json.dumps(value).encode())


def _plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _whole(number: int) -> str:
    return _plain(number.to_bytes((number.bit_length() + 7) // 8))
