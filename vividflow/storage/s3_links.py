"""How objects of an S3 bucket are addressed, and who signs links to them."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import urlsplit

from vividflow.config import Settings
from vividflow.storage.v4 import Signing


def signing_of(credentials: Any, region: str, expires_at: float) -> Signing | None:
    """How links that end at `expires_at` are signed; None without botocore credentials, or where these end sooner.

    Raises `BotoCoreError` when credentials that change cannot be renewed.
    """
    if credentials is None:
        return None
    held = credentials.get_frozen_credentials()
    ends = getattr(credentials, "_expiry_time", None)
    if not held.access_key or (ends is not None and ends.timestamp() < expires_at):
        return None

    def sign(date: str, text: str) -> str:
        key = f"AWS4{held.secret_key}".encode()
        for part in (date, region, "s3", "aws4_request"):
            key = _hmac(key, part)
        return _hmac(key, text).hex()

    return Signing(
        algorithm="AWS4-HMAC-SHA256",
        prefix="X-Amz",
        scope=f"{region}/s3/aws4_request",
        identity=held.access_key,
        sign=sign,
        more={"X-Amz-Security-Token": held.token} if held.token else {},
    )


def by_path(settings: Settings) -> bool:
    """Bucket in the path: elsewhere than at Amazon, and where a dot in its name would break the certificate."""
    return bool(settings.aws_endpoint_url_s3) or "." in split_address(settings.storage)[0]


def split_address(address: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`. Raises `ValueError` for anything else."""
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    if not address.startswith("s3://") or not bucket:
        raise ValueError("a bucket's address is s3://bucket/prefix")
    return bucket, prefix.strip("/")


def link_origin(settings: Settings) -> str:
    """Where signed links of a bucket lead to, as scheme://host."""
    if settings.aws_endpoint_url_s3:
        parts = urlsplit(settings.aws_endpoint_url_s3)
        return f"{parts.scheme}://{parts.netloc}"
    host = f"s3.{settings.aws_region}.amazonaws.com"
    return f"https://{host}" if by_path(settings) else f"https://{split_address(settings.storage)[0]}.{host}"


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
