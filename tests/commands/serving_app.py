"""A small app with the hub in it, for the tests of how it is served."""

from __future__ import annotations

import os
import sys
import time

from flask import Flask, Response, request

from vividflow.api.hub import Event, Hub, Subscription
from vividflow.commands import request_worker

request_worker.PATIENCE_SECONDS = float(os.environ.get("TEST_PATIENCE_SECONDS", "20"))
sys.modules["__config__"].__dict__["REQUEST_DRAIN_SECONDS"] = int(os.environ.get("TEST_DRAIN_SECONDS", "8"))

events: list[Event] = []
being_slow: list[str] = []


def load(subscription: Subscription, after: int) -> list[Event]:
    return [event for event in events if event.id > after]


class House:
    """Stops as slowly as TEST_STOP_SECONDS says, as if a paid request were in flight."""

    def __init__(self) -> None:
        self.hub = Hub(load=load)

    def start(self) -> None:
        self.hub.start()

    def stop(self, seconds: float) -> None:
        self.hub.stop()
        time.sleep(min(seconds, float(os.environ.get("TEST_STOP_SECONDS", "0"))))

    def close(self) -> None:
        print("house closed", flush=True)


app = Flask("serving")
house = app.extensions["vividflow"] = House()


@app.get("/status")
def status() -> dict[str, object]:
    environ = request.environ
    return {"worker": os.getpid(), "scheme": environ["wsgi.url_scheme"], "n": house.hub.n, "slow": len(being_slow)}


@app.get("/slow")
def slow() -> str:
    being_slow.append(request.path)
    time.sleep(float(request.args["seconds"]))
    return "slow"


@app.get("/file")
def file() -> Response:
    opened = open(__file__, "rb")  # noqa: SIM115 - the server closes it
    return Response(request.environ["wsgi.file_wrapper"](opened), direct_passthrough=True)


@app.post("/fire")
def fire() -> Response:
    events.append(Event(id=len(events) + 1, name="status", data=b'"fired"'))
    house.hub.notify("ann", "a")
    return Response(status=204)


@app.get("/events")
def stream() -> Response:
    first = [Event(id=0, name="status", data=b'"present"')]
    return house.hub.stream(request.environ, head={}, user_id="ann", job_id=None, first=first, last_event_id=0)


@app.route("/wait", methods=["GET", "POST"])
def wait() -> Response:
    known = len(events)
    size = len(request.get_data())
    return house.hub.wait(
        request.environ,
        user_id="ann",
        job_id="a",
        seconds=30,
        until=lambda: len(events) > known,
        render=lambda: (200, {"Content-Type": "text/plain"}, b"read %d, events %d" % (size, len(events))),
    )
