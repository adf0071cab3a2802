"""A Replicate that kills our server at the worst moments of an order."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.simulators.replicate import ReplicateSimulator
from tests.simulators.server import Close, Half, Reply, Request

WORST = ("read_unaccepted", "accepted_unanswered", "half_answer", "answer_sent", "at_a_look", "at_the_fetch")


@dataclass(kw_only=True)
class Last(Reply):
    """An answer that is sent whole, and then its receiver is killed."""

    kill: Callable[[], None]

    def send(self, connection: socket.socket, stopping: threading.Event) -> bool:
        connection.sendall(self.head() + self.body)
        self.kill()
        return False


@dataclass(kw_only=True)
class HalfAndKill(Half):
    """Half an answer, and then its receiver is killed."""

    kill: Callable[[], None]

    def send(self, connection: socket.socket, stopping: threading.Event) -> bool:
        Half.send(self, connection, stopping)
        self.kill()
        return False


class MurderousReplicate(ReplicateSimulator):
    """`arm` chooses the moment; at the next such moment the server is killed once, and `struck` is set."""

    def __init__(self, **more: object) -> None:
        super().__init__(**more)  # type: ignore[arg-type]
        self.kill: Callable[[], None] = lambda: None
        self.struck = threading.Event()
        self._moment: str | None = None
        self._aim = threading.Lock()

    def arm(self, moment: str) -> None:
        """Kill at the next such moment."""
        self.struck.clear()
        with self._aim:
            self._moment = moment

    def disarm(self) -> None:
        """Do not kill."""
        with self._aim:
            self._moment = None

    def handle(self, request: Request) -> Reply:
        path = request.path.split("?")[0]
        if request.method == "POST" and path.endswith("/predictions"):
            return self._at_submit(request)
        if request.method == "GET" and path.startswith("/v1/predictions/") and self._fires("at_a_look"):
            self._strike()
            return Close()
        answer = super().handle(request)
        if path.startswith("/outputs/") and self._fires("at_the_fetch"):
            return HalfAndKill(status=answer.status, body=answer.body, headers=answer.headers, kill=self._strike)
        return answer

    def _at_submit(self, request: Request) -> Reply:
        if self._fires("read_unaccepted"):
            self._strike()
            return Close()
        answer = super().handle(request)
        if self._fires("accepted_unanswered"):
            self._strike()
            return Close()
        if self._fires("half_answer"):
            return HalfAndKill(status=answer.status, body=answer.body, headers=answer.headers, kill=self._strike)
        if self._fires("answer_sent"):
            return Last(status=answer.status, body=answer.body, headers=answer.headers, kill=self._strike)
        return answer

    def _fires(self, moment: str) -> bool:
        with self._aim:
            if self._moment != moment:
                return False
            self._moment = None
            return True

    def _strike(self) -> None:
        self.kill()
        self.struck.set()
