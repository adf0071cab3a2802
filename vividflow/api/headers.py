"""The security headers of every answer, by what the answer is."""

from __future__ import annotations

from collections.abc import Mapping

from vividflow.config import Settings
from vividflow.storage.catalog import link_origin

_ALL = {
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_HTTPS = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'{nonce}; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' blob: data:{storage}; media-src 'self' blob:{storage}; font-src 'self'; connect-src 'self'; "
    "form-action 'self' https://checkout.stripe.com; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; "
    "manifest-src 'self'; worker-src 'self'{upgrade}"
)
PRIVATE = {"Cache-Control": "no-store", "Vary": "Cookie, Authorization, X-API-Key"}


class SecurityHeaders:
    """The headers of one installation; made once, handed out ready."""

    def __init__(self, settings: Settings) -> None:
        https = settings.public.startswith("https://")
        common = _ALL | (_HTTPS if https else {})
        self._upgrade = "; upgrade-insecure-requests" if https else ""
        origin = link_origin(settings)  # signed links of a bucket lead there; a folder's files come from here
        self._storage = f" {origin}" if origin else ""
        self.data: Mapping[str, str] = common | {
            "Referrer-Policy": "no-referrer",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        }
        self._page = common | {
            "Referrer-Policy": "strict-origin-when-cross-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        self._page_without_nonce = self._page | {"Content-Security-Policy": self._policy("")}

    def page(self, nonce: str | None) -> Mapping[str, str]:
        """For an HTML page; `nonce` is what its own inline scripts carry, if it has any."""
        if nonce is None:
            return self._page_without_nonce
        return self._page | {"Content-Security-Policy": self._policy(f" 'nonce-{nonce}'")}

    def _policy(self, nonce: str) -> str:
        return _PAGE_POLICY.format(nonce=nonce, storage=self._storage, upgrade=self._upgrade)
