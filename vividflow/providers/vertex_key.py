"""The key to Google Cloud: a ready token, a key file, or what this machine is signed in with. Found at first use."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import Any

from vividflow.config import Settings
from vividflow.storage.base import StorageRefused
from vividflow.storage.google import credentials_from_file

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
REFRESH_SECONDS = 20
SIGNED_IN = Path(".config/gcloud/application_default_credentials.json")
MACHINE = Path("/sys/class/dmi/id/product_name")


class KeyRefused(Exception):
    """Google does not accept the credentials, or there are none. Nothing was ordered."""


class KeyUnreachable(Exception):
    """Google's sign-in does not answer. Nothing was ordered."""


class VertexKey:
    """The credentials of one installation; may be used from many threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._found: Any = None

    def credentials(self) -> Any:
        """Google's credentials object. Raises `KeyRefused`, `KeyUnreachable`."""
        with self._lock:
            return self._get()

    def freshen(self) -> None:
        """Get a new token when the old one is over. Raises `KeyRefused`, `KeyUnreachable`."""
        from google.auth import exceptions

        with self._lock:
            found = self._get()
            if found.token and not found.expired:
                return
            from google.auth.transport.requests import Request

            try:
                found.refresh(partial(Request(), timeout=REFRESH_SECONDS))
            except exceptions.TransportError as error:
                raise KeyUnreachable(type(error).__name__) from error
            except exceptions.GoogleAuthError as error:
                raise (KeyUnreachable if error.retryable else KeyRefused)(type(error).__name__) from error

    def _get(self) -> Any:
        if self._found is None:
            self._found = self._find()
        return self._found

    def _find(self) -> Any:
        ready = self._settings.google_oauth_access_token
        if ready is not None:
            from google.oauth2.credentials import Credentials

            return Credentials(token=ready.get_secret_value())
        import google.auth
        from google.auth import exceptions

        file = self._settings.google_application_credentials
        try:
            return credentials_from_file(file)[0] if file is not None else google.auth.default(scopes=SCOPES)[0]
        except (exceptions.GoogleAuthError, StorageRefused, OSError) as error:
            raise KeyRefused(type(error).__name__) from error


def missing(settings: Settings) -> str | None:
    """Why Vertex cannot be used here, as a sentence, or None. Looks at files, never at the network."""
    if not settings.google_cloud_project:
        return "Set GOOGLE_CLOUD_PROJECT and Google Cloud credentials to use Veo on Google Cloud."
    ready = settings.google_oauth_access_token
    if ready is not None:
        token = ready.get_secret_value()
        if not token.isascii() or not token.isprintable() or " " in token:
            return "GOOGLE_OAUTH_ACCESS_TOKEN holds characters that no token has."
        return None
    file = settings.google_application_credentials
    if file is not None:
        return None if file.is_file() else "GOOGLE_APPLICATION_CREDENTIALS names a file that is not there."
    if _signed_in(settings) or _on_google():
        return None
    return (
        "Google Cloud credentials are missing. Set GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_OAUTH_ACCESS_TOKEN, "
        "or run gcloud auth application-default login."
    )


def _signed_in(settings: Settings) -> bool:
    try:
        home = settings.cloudsdk_config or Path.home() / SIGNED_IN.parent
    except RuntimeError:  # an account without a home
        return False
    return (home / SIGNED_IN.name).is_file()


def _on_google() -> bool:
    """Whether this machine is Google's own, which gives its programs a key."""
    try:
        return MACHINE.read_text(encoding="ascii", errors="replace").startswith("Google")
    except OSError:
        return False
