"""The hub on real sockets, without a server around it, and its short answers where nothing can be handed over."""

from __future__ import annotations

import contextvars
import gc
import json
import logging
import select
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, Response, request

from vividflow.api.hub import Event, Hub, Subscription, held, streams
from vividflow.api.hub.blocking import BlockingWaits
from vividflow.api.hub.hand_over import may_take, take
from vividflow.errors import Problem

SOON = 5.0  # seconds that nothing here comes near


class Store:
    """Events in memory, as the database would have them, and how often they were asked for."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, Event]] = []
        self.loads: list[tuple[Subscription, int]] = []
        self.changed = threading.Condition()
        self.gate = threading.Event()
        self.gate.set()
        self.fail = False

    def add(self, user_id: str, job_id: str, name: str = "status", data: bytes | None = None) -> int:
        event_id = len(self.rows) + 1
        data = data or json.dumps({"job_id": job_id, "n": event_id}).encode()
        self.rows.append((user_id, job_id, Event(id=event_id, name=name, data=data)))
        return event_id

    def load(self, subscription: Subscription, after: int) -> list[Event]:
        with self.changed:
            self.loads.append((subscription, after))
            self.changed.notify_all()
        found = [
            event
            for user_id, job_id, event in self.rows
            if user_id == subscription.user_id and subscription.job_id in (None, job_id) and event.id > after
        ][:100]
        assert self.gate.wait(SOON)
        if self.fail:
            raise RuntimeError("the database is away")
        return found

    def wait_for_loads(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.loads) >= count, SOON)


class Client:
    """The other end of a request's connection."""

    def __init__(self) -> None:
        self.sock, server = socket.socketpair()
        self.sock.settimeout(SOON)
        self.server = server
        self.environ: dict[str, Any] = {"gunicorn.socket": server, "REQUEST_METHOD": "GET", "PATH_INFO": "/events"}
        self.got = b""

    def read_until(self, mark: bytes) -> bytes:
        while mark not in self.got:
            data = self.sock.recv(65536)
            assert data, f"closed before {mark!r}: {self.got!r}"
            self.got += data
        return self.got

    def read_to_end(self) -> bytes:
        while data := self.sock.recv(65536):
            self.got += data
        return self.got

    def is_open(self) -> bool:
        readable, _, _ = select.select([self.sock], [], [], 0)
        return not readable or bool(self.sock.recv(1, socket.MSG_PEEK))

    def close(self) -> None:
        self.sock.close()
        self.server.close()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def make(store: Store) -> Iterator[Callable[..., Hub]]:
    hubs: list[Hub] = []

    def build(**settings: Any) -> Hub:
        hub = Hub(load=store.load, **settings)
        hub.start()
        hubs.append(hub)
        return hub

    yield build
    store.gate.set()
    for hub in hubs:
        hub.stop()


@pytest.fixture
def hub(make: Callable[..., Hub]) -> Hub:
    return make()


@pytest.fixture
def clients() -> Iterator[Callable[[], Client]]:
    made: list[Client] = []

    def build() -> Client:
        made.append(Client())
        return made[-1]

    yield build
    for client in made:
        client.close()


@pytest.fixture
def client(clients: Callable[[], Client]) -> Client:
    return clients()


def open_stream(hub: Hub, client: Client, *, user: str = "ann", job: str | None = None, last: int = 0) -> Response:
    first = [Event(id=last, name="status", data=b'{"first":true}')]
    head = {"X-Request-ID": "r-1"}
    return hub.stream(client.environ, head=head, user_id=user, job_id=job, first=first, last_event_id=last)


def open_wait(hub: Hub, client: Client, until: Callable[[], bool], render: Callable[[], Any], **more: Any) -> Response:
    wanted: dict[str, Any] = {"user_id": "ann", "job_id": "a", "seconds": 30.0} | more
    return hub.wait(client.environ, until=until, render=render, **wanted)


def eventually(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + SOON
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    return true()


# ---- streams


def test_a_stream_begins_with_the_present_state_and_goes_on_with_what_happens(
    hub: Hub, store: Store, client: Client
) -> None:
    open_stream(hub, client)
    head, _, body = client.read_until(b'{"first":true}\n\n').partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Type: text/event-stream; charset=utf-8\r\n" in head
    assert b"\r\nX-Request-ID: r-1\r\n" in head
    assert head.endswith(b"\r\nConnection: close")
    assert body == b'id: 0\nevent: status\ndata: {"first":true}\n\n'
    store.add("ann", "a", "progress", b'{"p":1}')
    hub.notify("ann", "a")
    assert client.read_until(b'{"p":1}\n\n').endswith(b'id: 1\nevent: progress\ndata: {"p":1}\n\n')


def test_what_happened_between_reading_the_state_and_handing_over_is_not_lost(
    hub: Hub, store: Store, client: Client
) -> None:
    store.add("ann", "a", data=b'"seen"')
    store.add("ann", "a", data=b'"between"')
    open_stream(hub, client, last=1)
    client.read_until(b'data: "between"\n\n')
    assert b'"seen"' not in client.got


def test_what_happens_while_a_load_is_running_is_not_lost(hub: Hub, store: Store, client: Client) -> None:
    store.gate.clear()
    open_stream(hub, client)
    store.wait_for_loads(1)
    store.add("ann", "a", data=b'"late"')
    hub.notify("ann", "a")
    store.gate.set()
    client.read_until(b'"late"\n\n')


def test_a_stream_of_one_job_hears_of_that_job_alone_and_closes_after_done(
    hub: Hub, store: Store, client: Client
) -> None:
    open_stream(hub, client, job="a")
    client.read_until(b"first")
    for job, user in (("b", "ann"), ("a", "bob"), ("a", "ann")):
        store.add(user, job, "done", json.dumps(f"{user}/{job}").encode())
        hub.notify(user, job)
    everything = client.read_to_end()
    assert everything.endswith(b'event: done\ndata: "ann/a"\n\n')
    assert everything.count(b"event: done") == 1


def test_a_stream_of_a_finished_job_says_so_and_closes(hub: Hub, client: Client) -> None:
    done = [Event(id=7, name="done", data=b"{}")]
    hub.stream(client.environ, head={}, user_id="ann", job_id="a", first=done, last_event_id=7)
    assert client.read_to_end().endswith(b"id: 7\nevent: done\ndata: {}\n\n")


def test_a_stream_of_all_jobs_stays_open_after_done(hub: Hub, store: Store, client: Client) -> None:
    open_stream(hub, client)
    for job in ("a", "b"):
        store.add("ann", job, "done")
        hub.notify("ann", job)
        client.read_until(b'"job_id": "%s"' % job.encode())
    assert client.is_open()


def test_every_stream_gets_every_event_once_and_in_order(hub: Hub, store: Store, clients: Callable[[], Client]) -> None:
    mine = [clients() for _ in range(5)]
    for number, one in enumerate(mine):
        open_stream(hub, one, last=0)
        for _ in range(60):
            store.add("ann", f"j{number}")
            hub.notify("ann", f"j{number}")
    for one in mine:
        got = one.read_until(b'"n": 300}\n\n')
        assert [int(line[4:]) for line in got.splitlines() if line.startswith(b"id: ")] == [0, *range(1, 301)]


def test_one_client_catching_up_repeats_nothing_to_the_others(
    hub: Hub, store: Store, clients: Callable[[], Client]
) -> None:
    for _ in range(5):
        store.add("ann", "a")
    up_to_date, behind = clients(), clients()
    open_stream(hub, up_to_date, last=5)
    open_stream(hub, behind, last=0)
    behind.read_until(b'"n": 5}')
    store.add("ann", "a")
    hub.notify("ann", "a")
    got = up_to_date.read_until(b'"n": 6}')
    assert [line for line in got.splitlines() if line.startswith(b"id: ")] == [b"id: 5", b"id: 6"]


def test_many_notifications_share_a_load(hub: Hub, store: Store, clients: Callable[[], Client]) -> None:
    mine = [clients() for _ in range(3)]
    for one in mine:
        open_stream(hub, one)
        one.read_until(b"first")
    store.wait_for_loads(1)
    store.gate.clear()
    before = len(store.loads)
    for _ in range(200):
        store.add("ann", "a")
        hub.notify("ann", "a")
    store.wait_for_loads(before + 1)
    store.gate.set()
    for one in mine:
        one.read_until(b'"n": 200}')
    assert len(store.loads) - before <= 6  # 200 events are two pages


def test_nobody_listening_costs_no_load(hub: Hub, store: Store, client: Client) -> None:
    open_stream(hub, client, user="ann", job="a")
    store.wait_for_loads(1)
    for user, job in (("bob", "b"), ("ann", "b"), ("bob", "a")):
        hub.notify(user, job)
    store.add("ann", "a", "done")
    hub.notify("ann", "a")
    client.read_to_end()
    assert {subscription.job_id for subscription, _ in store.loads} == {"a"}
    assert {subscription.user_id for subscription, _ in store.loads} == {"ann"}


def test_a_stream_beats(make: Callable[..., Hub], client: Client) -> None:
    open_stream(make(beat_seconds=0.15), client)
    while client.got.count(b": beat\n\n") < 2:
        client.got += client.sock.recv(100)


def test_an_old_stream_asks_its_client_to_come_again(make: Callable[..., Hub], client: Client) -> None:
    open_stream(make(beat_seconds=0.15, life_seconds=0.0), client)
    assert client.read_to_end().endswith(b"\n\nretry: 1000\n\n")


def test_a_load_that_fails_is_told_and_tried_again(
    hub: Hub, store: Store, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(streams, "AGAIN_SECONDS", 0.02)
    store.fail = True
    open_stream(hub, client)
    store.wait_for_loads(2)
    store.add("ann", "a", data=b'"after all"')
    store.fail = False
    client.read_until(b'"after all"')
    assert any(record.exc_info and "loading events failed" in record.message for record in caplog.records)


def test_data_with_line_breaks_stays_one_event() -> None:
    assert streams.frame(Event(id=1, name="status", data=b"{\n}")) == b"id: 1\nevent: status\ndata: {\ndata: }\n\n"


def test_a_header_with_a_line_break_is_refused_and_takes_no_place(hub: Hub, client: Client) -> None:
    with pytest.raises(ValueError, match="line break"):
        hub.stream(client.environ, head={"X-A": "b\r\nX-C: d"}, user_id="ann", job_id=None, first=[], last_event_id=0)
    assert hub.n == 0


# ---- clients that leave, are slow, or are too many


def test_a_client_that_leaves_is_forgotten(
    hub: Hub, clients: Callable[[], Client], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    stream, wait = clients(), clients()
    open_stream(hub, stream)
    open_wait(hub, wait, lambda: False, lambda: (200, {}, b""))
    assert hub.n == 2
    stream.close()
    wait.close()
    assert eventually(lambda: hub.n == 0)
    ends = {record.message for record in caplog.records if "ended" in record.message}
    assert ends == {"stream ended: client left", "wait ended: client left"}


def test_a_slow_client_is_written_no_more_than_it_reads_and_misses_nothing(
    hub: Hub, store: Store, client: Client
) -> None:
    open_stream(hub, client)
    client.read_until(b"first")
    store.wait_for_loads(1)
    for number in range(1500):
        store.add("ann", "a", data=b'"%d %s"' % (number, b"x" * 1000))
    hub.notify("ann", "a")
    asked = 0
    while len(store.loads) != asked:  # until the hub has stopped loading for a client that does not read
        asked = len(store.loads)
        time.sleep(0.2)
    assert store.loads[-1][1] < 1400
    client.read_until(b'"1499 ')
    assert [int(line[4:]) for line in client.got.splitlines() if line.startswith(b"id: ")] == list(range(1501))


def test_a_client_that_never_reads_is_cut_off(
    make: Callable[..., Hub], store: Store, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "STUCK_SECONDS", 0.05)
    hub = make(beat_seconds=0.3)
    for _ in range(1500):
        store.add("ann", "a", data=b'"%s"' % (b"x" * 1000))
    open_stream(hub, client)
    assert eventually(lambda: hub.n == 0)


def test_a_client_that_floods_is_cut_off(hub: Hub, client: Client) -> None:
    open_stream(hub, client)
    client.read_until(b"first")
    with pytest.raises(OSError, match=r"Broken pipe|reset"):
        client.sock.sendall(b"x" * 16_000_000)
    assert eventually(lambda: hub.n == 0)


def test_places_are_limited_over_all_and_by_person_and_come_free(
    make: Callable[..., Hub], clients: Callable[[], Client]
) -> None:
    hub = make(cap=3, cap_per_user=2)
    held_by_ann = [clients() for _ in range(2)]
    for one in held_by_ann:
        open_stream(hub, one, user="ann")
    with pytest.raises(Problem) as too_many_for_one:
        open_stream(hub, clients(), user="ann")
    open_stream(hub, clients(), user="bob")
    with pytest.raises(Problem) as full:
        open_wait(hub, clients(), lambda: False, lambda: (200, {}, b""), user_id="eve")
    assert (too_many_for_one.value.status, full.value.status) == (429, 503)
    assert full.value.retry_after
    held_by_ann[0].close()
    assert eventually(lambda: hub.n == 2)
    last = clients()
    open_stream(hub, last, user="eve")
    last.read_until(b"first")


def test_after_the_hand_over_the_server_writes_into_the_void(client: Client) -> None:
    ours = take(client.environ)
    with pytest.raises(BrokenPipeError):
        client.server.sendall(b"HTTP/1.1 200 OK\r\n")
    client.server.close()
    assert client.is_open()
    ours.sendall(b"ours")
    ours.close()
    assert client.read_to_end() == b"ours"


def test_a_stream_keeps_nothing_of_its_request_alive(hub: Hub, store: Store, client: Client) -> None:
    class Request:
        pass

    current: contextvars.ContextVar[Request] = contextvars.ContextVar("current")

    def view() -> weakref.ref[Request]:
        request_of_flask = Request()
        current.set(request_of_flask)
        open_stream(hub, client)
        hub.notify("ann", "a")
        return weakref.ref(request_of_flask)

    reference = contextvars.Context().run(view)
    client.read_until(b"first")
    store.wait_for_loads(1)
    gc.collect()
    assert reference() is None
    assert client.is_open()


# ---- waits


def test_a_wait_is_answered_when_its_job_changed_enough(hub: Hub, client: Client) -> None:
    version = [1]
    looks = threading.Semaphore(0)

    def until() -> bool:
        looks.release()
        return version[0] >= 3

    render = lambda: (200, {"Content-Type": "application/json", "ETag": '"3"'}, b'{"v": %d}' % version[0])  # noqa: E731
    open_wait(hub, client, until, render)
    for _ in range(2):
        assert looks.acquire(timeout=SOON)
    version[0] = 2
    hub.notify("ann", "a")
    assert looks.acquire(timeout=SOON)
    assert client.is_open()
    assert hub.n == 1
    version[0] = 3
    hub.notify("ann", "a")
    head, _, body = client.read_to_end().partition(b"\r\n\r\n")
    assert body == b'{"v": 3}'
    assert b'\r\nETag: "3"\r\n' in head
    assert b"\r\nContent-Length: 8\r\n" in head


def test_a_wait_is_answered_when_its_time_is_over(hub: Hub, client: Client) -> None:
    open_wait(hub, client, lambda: False, lambda: (304, {"ETag": '"1"'}, b""), seconds=0.05)
    answer = client.read_to_end()
    assert answer.startswith(b"HTTP/1.1 304 Not Modified\r\n")
    assert b"Content-Length" not in answer


def test_a_change_between_the_check_and_the_hand_over_answers_the_wait(hub: Hub, client: Client) -> None:
    answers = iter([False, True])
    open_wait(hub, client, lambda: next(answers), lambda: (200, {}, b"changed"))
    assert client.read_to_end().endswith(b"\r\n\r\nchanged")


def test_a_change_while_the_job_is_looked_at_is_looked_at_again(hub: Hub, client: Client) -> None:
    looking, changed = threading.Event(), threading.Event()
    answers = iter([False, False, True])

    def until() -> bool:
        answer = next(answers)
        if threading.current_thread() is not threading.main_thread():
            looking.set()
            assert changed.wait(SOON)
        return answer

    open_wait(hub, client, until, lambda: (200, {}, b"changed"))
    assert looking.wait(SOON)
    hub.notify("ann", "a")
    hub.notify("ann", "a")
    assert eventually(lambda: not hub._desk._news)  # pyright: ignore[reportOptionalMemberAccess]
    changed.set()
    assert client.read_to_end().endswith(b"changed")


def test_a_wait_for_what_is_already_true_is_an_ordinary_answer(hub: Hub, client: Client) -> None:
    response = open_wait(hub, client, lambda: True, lambda: (202, {"X-A": "b"}, b"now"))
    assert (response.status_code, response.headers["X-A"], response.data, hub.n) == (202, "b", b"now", 0)


def test_a_wait_whose_answer_fails_is_told_so(hub: Hub, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    def render() -> Any:
        raise RuntimeError("boom")

    open_wait(hub, client, lambda: False, render, seconds=0.01)
    head, _, body = client.read_to_end().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ")
    assert json.loads(body)["code"] == "internal_error"
    assert b"boom" not in body
    assert any(record.exc_info for record in caplog.records)


# ---- stopping


def test_stopping_answers_waits_ends_streams_and_keeps_answering_shortly(
    hub: Hub, clients: Callable[[], Client]
) -> None:
    stream, wait, late = clients(), clients(), clients()
    open_stream(hub, stream)
    open_wait(hub, wait, lambda: False, lambda: (200, {}, b"present state"))
    began = time.monotonic()
    hub.stop(1.0)
    assert time.monotonic() - began < 1.0
    assert stream.read_to_end().endswith(b"\n\nretry: 1000\n\n")
    assert wait.read_to_end().endswith(b"\r\n\r\npresent state")
    assert open_stream(hub, late).data.endswith(b"\n\nretry: 1000\n\n")
    assert open_wait(hub, late, lambda: False, lambda: (200, {}, b"at once")).data == b"at once"
    hub.notify("ann", "a")
    hub.stop()


def test_stopping_does_not_wait_longer_than_told_for_an_answer_that_hangs(hub: Hub, client: Client) -> None:
    hangs = threading.Event()
    open_wait(hub, client, lambda: False, lambda: (200, {}, b"%d" % hangs.wait(SOON)))
    began = time.monotonic()
    hub.stop(0.2)
    assert time.monotonic() - began < 1.0
    assert client.read_to_end() == b""
    hangs.set()


# ---- where nothing can be handed over


@pytest.fixture
def app(store: Store) -> Flask:
    app = Flask("plain")
    hub = app.extensions["hub"] = Hub(load=store.load)

    @app.get("/events")
    def events() -> Response:
        first = [Event(id=1, name="status", data=b'"present"')]
        job = request.args.get("job")
        return hub.stream(request.environ, head={}, user_id="ann", job_id=job, first=first, last_event_id=1)

    @app.get("/status")
    def status() -> Response:
        known = len(store.rows)
        return hub.wait(
            request.environ,
            user_id="ann",
            job_id="a",
            seconds=float(request.args["wait"]),
            until=lambda: len(store.rows) > known,
            render=lambda: (200, {"Content-Type": "application/json"}, str(len(store.rows)).encode()),
        )

    return app


def test_without_a_socket_a_stream_is_what_there_is_now_and_ends(app: Flask, store: Store) -> None:
    store.add("ann", "a", data=b'"known"')
    store.add("ann", "b", data=b'"new"')
    answer = app.test_client().get("/events")
    assert answer.mimetype == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store, no-transform"
    want = 'id: 1\nevent: status\ndata: "present"\n\nid: 2\nevent: status\ndata: "new"\n\nretry: 1000\n\n'
    assert answer.text == want
    assert app.test_client().head("/events").data == b""


def test_tls_http2_and_head_are_not_handed_over(client: Client) -> None:
    assert may_take(client.environ)
    assert may_take(client.environ | {"REQUEST_METHOD": "POST"})
    assert not may_take(client.environ | {"REQUEST_METHOD": "HEAD"})
    assert not may_take(client.environ | {"HTTP_VERSION": "2"})
    with ssl.create_default_context().wrap_socket(
        socket.socket(), server_hostname="localhost", do_handshake_on_connect=False
    ) as secured:
        assert not may_take(client.environ | {"gunicorn.socket": secured})


def test_without_a_socket_a_finished_job_is_not_to_be_asked_again(app: Flask, store: Store) -> None:
    store.add("ann", "a")
    store.add("ann", "a", "done")
    assert b"retry" not in app.test_client().get("/events?job=a").data


def test_without_a_socket_a_wait_ends_by_change_or_by_time(app: Flask, store: Store) -> None:
    assert app.test_client().get("/status?wait=0.05").json == 0
    assert app.test_client().head("/status?wait=30").status_code == 200

    def change() -> None:
        store.add("ann", "a")
        app.extensions["hub"].notify("ann", "a")

    timer = threading.Timer(0.05, change)
    timer.start()
    began = time.monotonic()
    assert app.test_client().get("/status?wait=30").json == 1
    assert time.monotonic() - began < SOON
    timer.join()


def test_only_so_many_request_threads_wait_at_once() -> None:
    waits = BlockingWaits(most=1)
    looked = threading.Event()

    def until() -> bool:
        looked.set()
        return False

    first = threading.Thread(target=waits.wait, args=("a", 30, until))
    first.start()
    assert looked.wait(SOON)
    waits.wait("a", 30, until)  # returns at once: the only place is taken
    assert first.is_alive()
    waits.stop()
    first.join(SOON)
    assert not first.is_alive()
