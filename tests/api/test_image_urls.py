"""Pictures by address: read where they may be, and nowhere else; a canary inside is never touched."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.api.desk import GENERATE, LIGHTHOUSE, Desk, form_of, png
from tests.api.urls import all_urls, answering, listed
from tests.raw_server import RawServer, Seen, reply
from tests.test_outbound import NAMES
from vividflow.config import Settings
from vividflow.errors import Complaints, Problem
from vividflow.lifecycle import intake
from vividflow.lifecycle.picture_links import read_address
from vividflow.outbound import address
from vividflow.storage.base import StorageGone
from vividflow.storage.catalog import open_storage
from vividflow.storage.google import ObjectTooLarge

REFUSALS = {"image_url_not_allowed", "image_url_unreachable", "invalid_image_url", "invalid_text", "image_not_found"}
OFF = {"limit_api": "off", "limit_reads": "off"}


@pytest.fixture
def canary() -> Iterator[RawServer]:
    """A server inside that must never be asked."""
    with RawServer(answers={"/photo.png": reply(png())}) as here:
        yield here


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A server that an operator has listed."""
    with RawServer(answers={"/photo.png": reply(png(400, 300), Content_Type="text/html")}) as here:
        yield here


@pytest.fixture
def open_desk(desk_for: Callable[..., Desk], server: RawServer) -> Desk:
    """An application that may read from `server`, although it is on this machine."""
    return desk_for(image_url_hosts=(server.netloc,), outbound_allow=(server.netloc,), **OFF)


def refused(desk: Desk, url: str, **more: object) -> str:
    """The code that an address is refused with; nothing may be left behind."""
    answer = desk.post(GENERATE, json=LIGHTHOUSE | {"image_url": url} | more)
    body = answer.get_json()
    assert answer.status_code == 422, (url, body)
    assert body["param"] == "image_url"
    assert body["detail"].endswith(".")
    assert desk.jobs() == 0
    assert desk.scratch() == []
    return body["code"]


@pytest.mark.parametrize("permissive", [False, True], ids=["as it comes", "with everything inside listed"])
def test_no_spelling_of_an_inside_address_is_read(
    permissive: bool, desk_for: Callable[..., Desk], canary: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering(NAMES))
    # The canary's port counts as https's own, so that only the check of the address stands in between.
    monkeypatch.setitem(address.DEFAULT_PORTS, "https", canary.port)
    desk = desk_for(**OFF, image_url_hosts=listed(canary.port) if permissive else ())
    urls = all_urls(canary.port)
    assert len(urls) > 350
    for url in urls:
        assert refused(desk, url) in REFUSALS, url
    assert canary.touched == 0


def test_the_canary_would_sing(
    desk_for: Callable[..., Desk], canary: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vividflow.outbound.door.is_public", lambda _: True)
    desk = desk_for(**OFF, image_url_hosts=(canary.netloc,))
    assert refused(desk, f"https://{canary.netloc}/photo.png") == "image_url_unreachable"
    assert canary.touched == 1


def test_a_name_that_answers_differently_the_second_time_is_not_asked(
    desk_for: Callable[..., Desk], canary: RawServer, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = dict(NAMES)
    monkeypatch.setattr(socket, "getaddrinfo", answering(known))
    host = f"rebound.test:{server.port}"
    desk = desk_for(**OFF, image_url_hosts=(host, f"rebound.test:{canary.port}"), outbound_allow=(host,))
    known["rebound.test"] = ["127.0.0.1"]
    server.answers["/away"] = reply(status="302 Found", Location=f"https://rebound.test:{canary.port}/photo.png")
    assert refused(desk, f"http://{host}/away") == "image_url_not_allowed"
    assert (server.touched, canary.touched) == (1, 0)


@pytest.mark.parametrize(
    "where",
    [
        "http://127.0.0.1:{port}/photo.png",
        "//127.0.0.1:{port}/photo.png",
        "http://localhost:{port}/photo.png",
        "http://2130706433:{port}/photo.png",
        "http://[::ffff:127.0.0.1]:{port}/photo.png",
        "https://127.0.0.1:{port}/photo.png",
        "https://169.254.169.254/latest/meta-data/",
        "https://metadata.google.internal/",
        "https://example.com/photo.png",
        "http://user@127.0.0.1:{port}/photo.png",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
        "data:image/png;base64,iVBORw0KGgo=",
        "\\\\127.0.0.1:{port}\\photo.png",
    ],
)
def test_no_redirect_leads_inside_or_off_the_list(
    where: str, open_desk: Desk, server: RawServer, canary: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering(NAMES))
    server.answers["/away"] = reply(status="302 Found", Location=where.format(port=canary.port))
    assert refused(open_desk, server.url("/away")) == "image_url_not_allowed"
    assert canary.touched == 0


def test_a_listed_host_is_read_whatever_type_it_claims(open_desk: Desk, server: RawServer) -> None:
    answer = open_desk.post(GENERATE, json=LIGHTHOUSE | {"image_url": server.url("/photo.png")})
    assert answer.status_code == 202, answer.text
    params = open_desk.get(answer.get_json()["status_url"]).get_json()["params"]
    assert open_desk.get(f"/api/v1/images/{params['image_id']}").get_json()["width"] == 400
    assert "authorization" not in server.seen[0].headers
    assert open_desk.scratch() == []


def test_every_address_that_places_or_prices_takes_one(open_desk: Desk, server: RawServer) -> None:
    both = {"image_url": server.url("/photo.png"), "last_image_url": server.url("/photo.png")}
    for path, status in (("/api/v1/videos/generate", 202), ("/api/v1/estimate", 200)):
        assert open_desk.post(path, json=LIGHTHOUSE | both).status_code == status
        assert open_desk.post(path, data=LIGHTHOUSE | both).status_code == status
    mixed = open_desk.post(GENERATE, **form_of(LIGHTHOUSE | {"image_url": both["image_url"]}, {"last_image": png()}))
    assert mixed.status_code == 202, mixed.text


def test_a_file_and_an_address_are_one_too_many(open_desk: Desk, server: RawServer) -> None:
    answer = open_desk.post(GENERATE, **form_of(LIGHTHOUSE | {"image_url": server.url("/photo.png")}, {"image": png()}))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "image_conflict")
    assert server.touched == 0


def test_three_redirects_are_followed_and_no_fourth(open_desk: Desk, server: RawServer) -> None:
    for number in range(4):
        server.answers[f"/{number}"] = reply(status="302 Found", Location=f"/{number + 1}")
    server.answers["/4"] = server.answers["/photo.png"]
    assert refused(open_desk, server.url("/0")) == "image_url_not_allowed"
    assert open_desk.post(GENERATE, json=LIGHTHOUSE | {"image_url": server.url("/1")}).status_code == 202


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(status="404 Not Found"), "image_not_found"),
        (reply(status="403 Forbidden"), "image_not_found"),
        (reply(status="410 Gone"), "image_not_found"),
        (reply(status="500 Oh"), "image_url_unreachable"),
        (reply(status="429 Later", Retry_After="9"), "image_url_unreachable"),
        (reply(status="204 Nothing"), "image_url_unreachable"),
        (reply(b"half", length=100), "image_url_unreachable"),
        (b"what is this", "image_url_unreachable"),
        (b"", "image_url_unreachable"),
        (reply(png(), Content_Encoding="gzip"), "image_url_unreachable"),
        (reply(bytes(10), length=10 * 1024 * 1024 + 1), "image_url_too_large"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + bytes(10 * 1024 * 1024 + 1), "image_url_too_large"),
        (reply(b"<html>no picture</html>"), "not_an_image"),
        (reply(png(200, 300)), "image_too_small"),
        (reply(b""), "not_an_image"),
    ],
)
def test_what_comes_instead_of_a_picture_is_told(answer: bytes, code: str, open_desk: Desk, server: RawServer) -> None:
    server.answers["/photo.png"] = answer
    assert refused(open_desk, server.url("/photo.png")) == code


def test_a_host_that_dawdles_is_left_in_time(
    open_desk: Desk, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(sock: socket.socket, _: Seen) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not server.closing.wait(0.05):
            sock.sendall(b".")

    monkeypatch.setattr(intake, "LINK_SECONDS", 1.0)
    server.answers["/photo.png"] = drip
    began = time.monotonic()
    both = {"last_image_url": server.url("/photo.png")}
    assert refused(open_desk, server.url("/photo.png"), **both) == "image_url_unreachable"
    assert time.monotonic() - began < 20


def test_a_wrong_wish_is_refused_before_its_address_is_read(open_desk: Desk, server: RawServer) -> None:
    answer = open_desk.post(GENERATE, json=LIGHTHOUSE | {"image_url": server.url("/photo.png"), "duration": 99})
    assert answer.get_json()["code"] == "invalid_duration"
    assert server.touched == 0


def test_the_same_key_reads_the_address_once(open_desk: Desk, server: RawServer) -> None:
    body, once = LIGHTHOUSE | {"image_url": server.url("/photo.png")}, {"Idempotency-Key": "by-address"}
    first, again = (open_desk.post(GENERATE, json=body, headers=once) for _ in range(2))
    assert (first.status_code, again.get_json()) == (202, first.get_json())
    assert server.touched == 1


def test_slow_addresses_leave_threads_for_everybody_else(open_desk: Desk, server: RawServer) -> None:
    entered, go = threading.Semaphore(0), threading.Event()

    def hold(sock: socket.socket, _: Seen) -> None:
        entered.release()
        go.wait(30)
        sock.sendall(reply(png()))

    server.answers["/slow.png"] = hold
    answers: list[int] = []

    def ask() -> None:
        answer = open_desk.app.test_client().post(
            GENERATE, headers={"X-API-Key": open_desk.key}, json=LIGHTHOUSE | {"image_url": server.url("/slow.png")}
        )
        answers.append(answer.status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert entered.acquire(timeout=20)
    crowded = open_desk.post(GENERATE, json=LIGHTHOUSE | {"image_url": server.url("/photo.png")})
    assert (crowded.status_code, crowded.get_json()["code"]) == (503, "busy")
    assert crowded.headers["Retry-After"] == "2"
    _, key = open_desk.someone()
    other = open_desk.post(GENERATE, key=key, json=LIGHTHOUSE | {"image_url": server.url("/photo.png")})
    assert other.status_code == 202
    go.set()
    for thread in threads:
        thread.join()
    assert answers == [202] * 8


# ---- Google's storage: whose credentials


def settings(tmp_path: Path, **more: object) -> Settings:
    return Settings.from_environment(None, data_dir=tmp_path, storage_url="gs://ours/flow", **more)


@pytest.mark.parametrize(
    "url",
    [
        "gs://ours/flow/users/me/a photo.png",
        "https://storage.googleapis.com/ours/flow/users/me/a%20photo.png",
        "https://STORAGE.googleapis.com:443/ours/flow/users/me/%61%20photo.png",
        "https://storage.googleapis.com/ours/flow%2Fusers%2Fme%2Fa%20photo.png",
        "https://storage.googleapis.com/ours/flow/users/me/a%20photo.png#part",
    ],
)
def test_one_s_own_prefix_is_read_with_our_credentials(url: str, tmp_path: Path) -> None:
    found = read_address(settings(tmp_path), "me", url, param="image_url")
    assert found.object_uri == "gs://ours/flow/users/me/a photo.png"


@pytest.mark.parametrize(
    "path",
    ["users/you/x.png", "users/mean/x.png", "users/me", "users/me2/x.png", "secrets.txt", "usersme/x.png",
     "users/ME/x.png", "users/%6De/x.png"],
)  # fmt: skip
@pytest.mark.parametrize("allowed", [(), ("gs://ours/flow/",)], ids=["", "even if listed"])
def test_another_s_prefix_of_our_bucket_is_as_if_it_were_not_there(
    path: str, allowed: tuple[str, ...], tmp_path: Path
) -> None:
    if allowed and not path.startswith("users/"):
        return
    for url in (f"gs://ours/flow/{path}", f"https://storage.googleapis.com/ours/flow/{path.replace('%', '%25')}"):
        with pytest.raises(Problem) as refusal:
            read_address(settings(tmp_path, gcs_read_allow=allowed), "me", url, param="image_url")
        assert (refusal.value.status, refusal.value.code) == (422, "image_not_found")


def test_what_the_operator_listed_is_read_with_our_credentials_to_the_slash(tmp_path: Path) -> None:
    here = settings(tmp_path, gcs_read_allow=("gs://shared/pictures", "gs://open/"))
    for url in ("gs://shared/pictures/a.png", "https://storage.googleapis.com/shared/pictures/a.png", "gs://open/x"):
        assert read_address(here, "me", url, param="image_url").object_uri is not None
    for url in ("gs://shared/pictures2/a.png", "gs://shared/secret.png", "gs://openly/x", "gs://shared/pictures"):
        with pytest.raises(Problem) as refusal:
            read_address(here, "me", url, param="image_url")
        assert refusal.value.code == "image_url_not_allowed"


@pytest.mark.parametrize(
    "url",
    [
        "https://storage.googleapis.com/theirs/public.png",
        "https://storage.googleapis.com/theirs/a%2F..%2Fb.png",
        "https://storage.googleapis.com/ours/flow/users/me/x.png?X-Goog-Signature=1",
        "https://storage.googleapis.com/storage/v1/b/ours/o/x?alt=media",
        "https://storage.googleapis.com/%FF/x",
        "https://storage.googleapis.com/",
    ],
)
def test_everything_else_there_is_asked_as_a_stranger_would(url: str, tmp_path: Path) -> None:
    assert read_address(settings(tmp_path), "me", url, param="image_url").object_uri is None


@pytest.mark.parametrize(
    "wrong", [{"image_url_hosts": "https://x.com"}, {"image_url_hosts": "a b"}, {"gcs_read_allow": "bucket/x"}]
)
def test_a_wrong_list_is_complained_of_at_start(wrong: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(Complaints):
        settings(tmp_path, **wrong)


class Objects:
    """A reader of gs:// objects that remembers what it was asked with our credentials."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: bytes | Exception = png(400, 300)

    def fetch(self, uri: str, sink: Path, *, max_bytes: int, total_seconds: float, keep_going: object) -> None:
        """What was put into `answer`."""
        self.asked.append(uri)
        assert max_bytes == 10 * 1024 * 1024
        assert 0 < total_seconds <= 60
        if isinstance(self.answer, Exception):
            raise self.answer
        sink.write_bytes(self.answer)


@pytest.fixture
def bucket(desk_for: Callable[..., Desk], tmp_path: Path) -> tuple[Desk, Objects]:
    """An application whose storage address is a bucket; the bytes lie in a folder."""
    desk = desk_for(storage_url="gs://ours/flow", gcs_read_allow=("gs://shared/pictures/",), **OFF)
    objects = Objects()
    local = desk.settings.model_copy(update={"storage_url": f"file://{tmp_path / 'bytes'}"})
    desk.tools._built.update({"storage": open_storage(local), "google_objects": objects})
    return desk, objects


def test_one_s_own_object_and_a_listed_one_become_pictures(bucket: tuple[Desk, Objects]) -> None:
    desk, objects = bucket
    own = f"gs://ours/flow/users/{desk.user.id}/in/a.png"
    for url in (own, own.replace("gs://", "https://storage.googleapis.com/"), "gs://shared/pictures/b.png"):
        answer = desk.post(GENERATE, json=LIGHTHOUSE | {"image_url": url})
        assert answer.status_code == 202, answer.text
    assert objects.asked == [own, own, "gs://shared/pictures/b.png"]


def test_another_s_object_and_a_missing_one_are_answered_alike(bucket: tuple[Desk, Objects]) -> None:
    desk, objects = bucket
    other, _ = desk.someone()
    objects.answer = FileNotFoundError("there is no gs://ours/…")
    answers = []
    for owner in (desk.user.id, other.id):
        for url in (
            f"gs://ours/flow/users/{owner}/x.png",
            f"https://storage.googleapis.com/ours/flow/users/{owner}/x.png",
        ):
            answer = desk.post(GENERATE, json=LIGHTHOUSE | {"image_url": url})
            answers.append((answer.status_code, {**answer.get_json(), "request_id": ""}))
    assert answers[1:] == answers[:-1]
    assert answers[0][1]["code"] == "image_not_found"
    assert all(desk.user.id in uri for uri in objects.asked)
    assert desk.jobs() == 0


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (FileNotFoundError("x"), 422, "image_not_found"),
        (PermissionError("x"), 422, "image_not_found"),
        (ObjectTooLarge("x"), 422, "image_url_too_large"),
        (StorageGone("x"), 503, "storage_gone"),
        (b"no picture", 422, "not_an_image"),
    ],
)
def test_what_google_says_is_told(
    answer: bytes | Exception, status: int, code: str, bucket: tuple[Desk, Objects]
) -> None:
    desk, objects = bucket
    objects.answer = answer
    both = {"image_url": f"gs://ours/flow/users/{desk.user.id}/a.png", "last_image_url": "gs://shared/pictures/b.png"}
    told = desk.post(GENERATE, json=LIGHTHOUSE | both)
    assert (told.status_code, told.get_json()["code"]) == (status, code)
    assert told.get_json()["param"] == "image_url"
    assert desk.jobs() == 0
    assert desk.scratch() == []


def test_a_second_picture_that_fails_leaves_the_first_one_nowhere(bucket: tuple[Desk, Objects], tmp_path: Path) -> None:
    desk, objects = bucket
    objects.answer = FileNotFoundError("x")
    form = form_of(LIGHTHOUSE | {"last_image_url": "gs://shared/pictures/b.png"}, {"image": png()})
    answer = desk.post(GENERATE, **form)
    assert (answer.status_code, answer.get_json()["param"]) == (422, "last_image_url")
    assert desk.get("/api/v1/images").get_json()["data"] == []
    assert list((tmp_path / "bytes").rglob("*.png")) == []
