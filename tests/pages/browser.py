"""A browser without script: it keeps its cookie, sends the token of the page it is on, and follows where it is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

from flask import Flask
from werkzeug.test import TestResponse

from tests.api.desk import Client, form_of
from vividflow.timing import new_id

PASSWORD = "correct horse battery"


class Browser:
    """One person's browser. `page` is the last answer, `text` its HTML, `token` the last page's CSRF token."""

    def __init__(
        self, app: Flask, *, agent: str = "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537.36"
    ) -> None:
        self.client = Client(app, app.response_class, use_cookies=True)
        self.agent = agent
        self.page: TestResponse
        self.text = ""
        self.token = ""

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open an address, without following a redirect."""
        return self._keep(self.client.get(path, headers={"User-Agent": self.agent} | headers))

    def post(self, path: str, **fields: str) -> TestResponse:
        """Send a small form of the page that is open; its token goes along."""
        form = {"csrf_token": self.token} | fields
        return self._keep(self.client.post(path, headers={"User-Agent": self.agent}, data=form))

    def send(self, path: str, fields: Mapping[str, str], files: Mapping[str, bytes] | None = None) -> TestResponse:
        """Send a form with files as browsers do."""
        form = form_of({"csrf_token": self.token, **fields}, dict(files or {}))
        return self._keep(self.client.post(path, headers={"User-Agent": self.agent}, **form))

    def ask(self, path: str, fields: Mapping[str, str], files: Mapping[str, bytes] | None = None) -> TestResponse:
        """Send a form as the page's script does, and get JSON."""
        headers = {"User-Agent": self.agent, "Accept": "application/json", "X-CSRF-Token": self.token}
        return self.client.post(
            path, headers=headers, **form_of({"csrf_token": self.token, **fields}, dict(files or {}))
        )

    def hidden(self, name: str) -> str:
        """The value of a hidden field of the page that is open."""
        found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', self.text)
        assert found, name
        return unescape(found[1])

    def sign_up(self, email: str | None = None, *, password: str = PASSWORD, **fields: str) -> str:
        """Make an account and be signed in; its address."""
        email = email or f"{new_id()}@example.com"
        self.get("/signup")
        answer = self.post("/signup", email=email, name="Mina Okafor", password=password, **fields)
        assert answer.status_code == 303, answer.text
        self.get("/create")
        return email

    def sign_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        """Send the sign-in form."""
        self.get("/login")
        return self.post("/login", email=email, password=password)

    def cookie(self, name: str = "vf_session") -> str | None:
        """What the browser keeps under a name."""
        found = self.client.get_cookie(name)
        return found.value if found else None

    def _keep(self, answer: TestResponse) -> TestResponse:
        self.page, self.text = answer, answer.text
        found = re.search(r'name="csrf-token" content="([^"]+)"', self.text)
        if found:
            self.token = found[1]
        return answer
