"""Where vendors' callbacks arrive in tests of whole lives: takes them in as the API does, over real HTTP."""

from __future__ import annotations

import threading

from tests.simulators.server import Reply, Request, Server
from vividflow.errors import Problem
from vividflow.lifecycle import callbacks
from vividflow.lifecycle.tools import Tools


class Door(Server):
    """Give it `tools` before anybody calls. While `open` is cleared callbacks wait; `statuses` are its answers so far."""

    def __init__(self) -> None:
        super().__init__()
        self.tools: Tools | None = None
        self.statuses: list[int] = []
        self.open = threading.Event()
        self.open.set()

    def handle(self, request: Request) -> Reply:
        assert self.tools is not None
        self.open.wait(20)
        _, _, _, provider, token = request.path.split("/")
        try:
            status = 200 if callbacks.receive(self.tools, provider, token, request.headers, request.body) else 404
        except Problem as problem:
            status = problem.status
        self.statuses.append(status)
        return Reply(status=status)
