"""Accounts: which key, at which place of a vendor, an order goes by. What is known of one says nothing of another."""

from __future__ import annotations

import hashlib

from pydantic import SecretStr

from vividflow.config import Settings
from vividflow.providers.catalog import PROVIDERS

_DIGEST_BYTES = 6


def place_of(provider: str, provider_model: str) -> str:
    """Where an order of that id goes: the vendor (`kling`), or one of its servers (`openai/den`)."""
    server = PROVIDERS[provider].place(provider_model)
    return f"{provider}/{server}" if server else provider


def account_of(settings: Settings, provider: str, provider_model: str) -> str:
    """The place and the mark of the key that is set for it now (`kling#6f2a…`): a new key is another account."""
    made_of = PROVIDERS[provider].key(settings, provider_model)
    plain = [each.get_secret_value() if isinstance(each, SecretStr) else str(each) for each in made_of]
    # A key is long and random, so nobody learns it from six bytes of its digest.
    mark = hashlib.blake2b("\x1f".join(plain).encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{place_of(provider, provider_model)}#{mark}"
