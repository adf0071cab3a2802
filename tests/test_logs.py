"""Every line is structured and carries its ids; no secret comes out, wherever it was put in."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.installation import settings_in
from vividflow import logs
from vividflow.logs import lines
from vividflow.logs.context import now_bound
from vividflow.logs.handlers import Ours
from vividflow.logs.redaction import REDACTED, Redactor, secrets_of
from vividflow.logs.setting_up import OURS

log = logging.getLogger("vividflow.test")

KNOWN = {
    "replicate_api_token": "canary token one",
    "secret_key": "canary-secret'key\"two",
    "smtp_url": "smtps://mailer:canary%2Fmail%20three@mail.example.com:465",
    "database_url": "postgresql://vivid:canary.db.four@db.example.com/vivid",
    "redis_url": "redis://:canary-redis-five@cache.example.com:6379/0",
}
KNOWN_FORMS = (
    "canary token one",
    "canary%20token%20one",
    "canary-secret'key\"two",
    "canary%2Fmail%20three",
    "canary/mail three",
    "canary.db.four",
    "canary-redis-five",
)
SHAPES = {
    "our key": ("the key vf_0a1b2c3d4e_S3cr3t-Part_of_it was used", "S3cr3t-Part_of_it"),
    "short key": ("vf_xxx_yyy", "yyy"),
    "replicate": ("token r8_AbCdEf0123456789 refused", "AbCdEf0123456789"),
    "google": ("key=AIzaSyA-1234567890abcdefgh", "SyA-1234567890abcdefgh"),
    "webhook secret": ("signed with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    "bearer": ("sent Authorization: Bearer abc.def-123456", "abc.def-123456"),
    "basic": ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
    "token scheme": ("authorization: Token plainoldtoken", "plainoldtoken"),
    "openai": ("sk-proj-abcdefghijklmnop1234", "abcdefghijklmnop1234"),
    "google oauth": ("ya29.a0AfB_byC-secret", "a0AfB_byC-secret"),
    "aws id": ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
    "jwt": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl", "eyJzdWIiOiJhIn0"),
    "cookie": ("Cookie: theme=dark; __Host-vf_session=s3ss10n; other=0ther", "s3ss10n"),
    "set-cookie": ("'Set-Cookie': 'vf_session=s3ss10n; Path=/'", "s3ss10n"),
    "session alone": ("found vf_session=s3ss10n here", "s3ss10n"),
    "own signature": ("GET /media/a.mp4?expires=99&signature=5ign4ture&x=1", "5ign4ture"),
    "s3 signature": ("https://b.s3.amazonaws.com/k?X-Amz-Signature=ab12cd&X-Amz-Date=1", "ab12cd"),
    "gcs signature": ("https://storage.googleapis.com/b/k?X-Goog-Signature=ab12cd", "ab12cd"),
    "key in query": ("https://api.example.com/v1?key=k3yk3y", "k3yk3y"),
    "userinfo": ("cannot reach https://bob:hunter22@example.com/x", "hunter22"),
    "json password": ('{"password": "hunter22", "email": "a@example.com"}', "hunter22"),
    "repr of a dict": ("{'X-API-Key': 'hunter22'}", "hunter22"),
    "httpx headers": ("[(b'Authorization', b'Bearer hunter22hunter22')]", "hunter22"),
    "callback token": ("POST /api/callbacks/replicate/t0k3n-of-order HTTP/1.1", "t0k3n-of-order"),
    "sign-in link": ("http://h/login/link/mZGrcXRwARs72UNNaUvK89ULONgIOvQq_I1NvBzGgew", "mZGrcXRwARs72UNN"),
    "private key": ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    "cut private key": ("-----BEGIN PRIVATE KEY-----\nMIIEowIBAAK", "MIIEowIBAAK"),
}
HARMLESS = (
    "job 6a5c2d7e-1111-4222-8333-444455556666 is completed",
    "GET /api/v1/status/6a5c2d7e-1111-4222-8333-444455556666 200",
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "model replicate/wan-video/wan-2.2-i2v-fast took 41.2 s",
    "Bearer of good news",
    "https://api.replicate.com/v1/predictions?cursor=abc",
    "the prompt has 3 to 1,000 characters",
    "key_id=0a1b2c3d4e",
    "test_a_name_that_has_forty-three_letters_ok",
)


@pytest.fixture(autouse=True)
def _logging_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    names = (*OURS, "gunicorn.access")
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in names}
    monkeypatch.setattr(lines, "_redactor", Redactor())
    logs.bind(**dict.fromkeys(now_bound()))  # what a request of another test left on this thread
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Set logging up with these settings, let `act` log, and give back what came out."""

    def run(act: Callable[[], None], **settings: Any) -> str:
        logs.set_up(settings_in(tmp_path, **settings))
        capsys.readouterr()
        act()
        return capsys.readouterr().err

    return run


def _everywhere(text: str) -> None:
    """Put a text wherever a careless line might put it."""
    log.warning("a message with %s", text)
    log.warning(text.replace("%", "%%") + " %s", 1)
    log.warning("an argument %(name)s", {"name": text})
    log.warning("a field", extra={"field": text})
    log.warning("nested", extra={"deep": {"list": [1, (text, None)], text: {"set": {text}}}})
    log.warning("bytes %s", text.encode(), extra={"raw": text.encode()})
    log.warning("an object", extra={"thing": ValueError(text)})
    log.warning("a stack", extra={"why": text}, stack_info=True)
    with logs.bound(request_id=text):
        log.warning("bound")
    try:
        try:
            raise KeyError(text)
        except KeyError as error:
            raise RuntimeError(f"because of {text}") from error
    except RuntimeError:
        log.exception("a trace")
    root = logging.getLogger()
    every = list(root.handlers)
    ours: list[logging.Handler] = [each for each in every if isinstance(each, Ours)]
    for root.handlers in (ours, every):
        with logs.bound(request_id=text):
            logs.log_request(method="GET", path=f"/x/{text}", status=500, seconds=0.1, address=text)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_what_the_settings_keep_secret_never_comes_out(said: Callable[..., str], log_format: str) -> None:
    for form in KNOWN_FORMS:
        out = said(lambda form=form: _everywhere(f"<{form}>"), **(KNOWN | {"log_format": log_format}))
        assert REDACTED in out
        for leak in (form, json.dumps(form)[1:-1], repr(form)[1:-1]):
            assert leak not in out


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("log_format", ["json", "text"])
def test_what_has_the_shape_of_a_secret_never_comes_out(said: Callable[..., str], name: str, log_format: str) -> None:
    text, secret = SHAPES[name]
    out = said(lambda: _everywhere(text), log_format=log_format)
    assert REDACTED in out
    assert secret not in out


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    kept = Redactor(["canary token one"]).text(text)
    assert kept == text or text.startswith("Bearer")


@pytest.mark.parametrize(
    "name", ["password", "Authorization", "X-API-Key", "cookie", "Set-Cookie", "token", "secret_key"]
)
def test_what_is_called_a_secret_goes_whole_whatever_it_looks_like(name: str) -> None:
    redactor = Redactor()
    assert redactor.value({name: "plain", "other": "plain"}) == {name: REDACTED, "other": "plain"}
    assert redactor.value([(name, "plain")]) == [[name, REDACTED]]
    assert redactor.value([(name.encode(), b"plain")]) == [[name, REDACTED]]
    assert redactor.value({"key_id": "plain", "prompt_tokens": 7}) == {"key_id": "plain", "prompt_tokens": 7}


def test_a_key_made_at_run_time_can_be_hidden(said: Callable[..., str]) -> None:
    out = said(lambda: (logs.hide("made-just-now"), log.warning("it is made-just-now"))[0])
    assert "made-just-now" not in out
    assert logs.clean("again made-just-now") == f"again {REDACTED}"


def test_a_very_short_value_is_not_blotted_out_everywhere() -> None:
    assert Redactor(["a"]).text("a cat") == "a cat"


def test_a_giant_value_is_cut_and_a_deep_one_ends() -> None:
    assert len(Redactor().text("x " * 10**6)) < 17_000
    deep: Any = "bottom"
    for _ in range(50):
        deep = [deep]
    assert "bottom" not in json.dumps(Redactor().value(deep))


@pytest.mark.parametrize(
    "piece", ["a", "vf_", "A-", " token=", "eyJ", "key: b'", "://a", "-----BEGIN PRIVATE KEY", "%20"]
)
def test_no_text_takes_long_to_clean(piece: str) -> None:
    began = time.process_time()
    Redactor(["canary token one"]).text(piece * (70_000 // len(piece)))
    assert time.process_time() - began < 2.0


def test_every_secret_setting_is_known(tmp_path: Path) -> None:
    found = set(secrets_of(settings_in(tmp_path, **KNOWN)))
    assert {"canary token one", "canary.db.four", "canary-redis-five", "canary/mail three"} <= found


def test_lines_carry_the_ids_that_are_bound(said: Callable[..., str]) -> None:
    def act() -> None:
        with logs.bound(request_id="r-1"):
            with logs.bound(job_id="j-1"):
                log.info("inside")
            log.info("between")
        log.info("outside")

    inside, between, outside = map(json.loads, said(act).splitlines())
    assert (inside["request_id"], inside["job_id"], inside["event"]) == ("r-1", "j-1", "inside")
    assert between["request_id"] == "r-1"
    assert "job_id" not in between
    assert "request_id" not in outside
    assert outside.keys() >= {"timestamp", "level", "logger"}


def test_what_one_thread_binds_another_does_not_say(said: Callable[..., str]) -> None:
    def act() -> None:
        def other() -> None:
            logs.bind(job_id="theirs")
            log.info("there")
            logs.bind(job_id=None)
            log.info("unbound")

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        log.info("here")

    there, unbound, here = map(json.loads, said(act).splitlines())
    assert there["job_id"] == "theirs"
    assert "job_id" not in unbound
    assert "job_id" not in here


def test_nobody_can_write_lines_of_their_own(said: Callable[..., str]) -> None:
    forged = "x\n2026-01-01 critical root: all is lost\x1b[2J\r"
    for log_format in ("text", "json"):
        out = said(lambda: log.info("got %s", forged, extra={"field": forged}), log_format=log_format)
        assert len(out.splitlines()) == 1
        assert "\x1b" not in out


def test_text_is_for_people(said: Callable[..., str]) -> None:
    def act() -> None:
        try:
            raise ValueError("oh")
        except ValueError:
            log.exception("broke", extra={"n": 1})

    first, *trace = said(act, log_format="text").splitlines()
    assert first.endswith("error    vividflow.test: broke n=1")
    assert trace[-1] == "  ValueError: oh"


def test_a_line_that_cannot_be_formatted_is_told_without_its_content(
    said: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own would raise
    out = said(lambda: log.info("%d of them", "vf_aaa_bbb"))
    assert "vf_aaa" not in out
    assert json.loads(out)["event"].startswith("a log line was lost: TypeError at ")


def test_setting_up_again_neither_doubles_lines_nor_removes_the_handlers_of_others(
    said: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    said(lambda: None)
    out = said(lambda: log.info("once"))
    assert len(out.splitlines()) == 1
    assert caplog.messages == ["once"]


def test_others_are_heard_from_warning_on(said: Callable[..., str]) -> None:
    def act() -> None:
        for name in ("httpx", "vividflow.queue", "gunicorn.error", "job_queue"):
            logging.getLogger(name).info("from %s", name)
        logging.getLogger("httpx").warning("loud")

    events = [json.loads(line)["event"] for line in said(act).splitlines()]
    assert events == ["from vividflow.queue", "from gunicorn.error", "from job_queue", "loud"]
    assert said(act, log_level="error") == ""


def test_gunicorns_own_handlers_give_way(said: Callable[..., str]) -> None:
    theirs = logging.getLogger("gunicorn.error")
    theirs.addHandler(logging.StreamHandler())
    theirs.propagate = False
    out = said(lambda: theirs.error("worker died"))
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["worker died"]


@pytest.mark.parametrize("alone", [True, False])
def test_an_answered_request_is_one_line_without_its_query(
    said: Callable[..., str], monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    if alone:  # then the line takes the short way
        monkeypatch.setattr(logging.getLogger(), "handlers", [])

    def act() -> None:
        logs.log_request(
            method="GET",
            path="/api/v1/jobs?q=private",
            status=200,
            seconds=0.01234,
            size=7,
            address="127.0.0.1",
            user_id="u",
            key_id="k",
        )
        logs.log_request(method="GET", path="/healthz", status=200, seconds=0)
        logs.log_request(method="GET", path="/readyz", status=503, seconds=0)

    found, ready = map(json.loads, said(act).splitlines())
    assert found.items() >= {"event": "request", "path": "/api/v1/jobs", "status": 200, "ms": 12.3, "bytes": 7}.items()
    assert found.items() >= {"address": "127.0.0.1", "user_id": "u", "key_id": "k", "level": "info"}.items()
    assert (ready["path"], ready["level"]) == ("/readyz", "warning")


def test_the_log_file_gets_the_same_lines_and_is_its_owners_alone(said: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "logs" / "vividflow.log"
    out = said(lambda: None, log_file=file)
    assert not file.parent.exists()
    out = said(lambda: log.info("here and there %s", "vf_aaa_bbb"), log_file=file)
    assert file.read_text() == out
    assert file.stat().st_mode & 0o777 == 0o600


def test_requests_go_to_the_log_file_too_and_a_full_disk_loses_only_their_lines(
    said: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    file = tmp_path / "logs" / "vividflow.log"

    def request() -> None:
        logs.log_request(method="GET", path="/x", status=200, seconds=0)

    assert said(request, log_file=file) == file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    events = [json.loads(each)["event"] for each in said(request, log_file=file / "below" / "a.log").splitlines()]
    assert events == ["request", "a log line was lost: NotADirectoryError at the access log"]


def test_a_log_file_that_was_rotated_away_is_opened_anew(said: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "vividflow.log"

    def act() -> None:
        log.info("first")
        file.rename(tmp_path / "vividflow.log.1")
        log.info("second")

    said(act, log_file=file)
    assert "second" in file.read_text()
    assert "first" not in file.read_text()


def test_a_log_file_that_cannot_be_written_breaks_nothing(said: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("a file, not a folder")
    out = said(lambda: log.info("still said"), log_file=tmp_path / "occupied" / "vividflow.log")
    events = [json.loads(line)["event"] for line in out.splitlines()]
    assert events[0] == "still said"
    assert events[1].startswith("a log line was lost: ")


UNCAUGHT = """
import sys, threading
from vividflow import logs
from vividflow.config import Settings
logs.set_up(Settings(_env_file=None, replicate_api_token="canary-uncaught"))
print("rich" in sys.modules)
def fail(): raise ValueError("thread canary-uncaught")
thread = threading.Thread(target=fail, name="t-1"); thread.start(); thread.join()
raise RuntimeError("main canary-uncaught")
"""


def test_errors_that_nobody_catches_are_lines_too_and_rich_is_not_drawn_in() -> None:
    done = subprocess.run([sys.executable, "-c", UNCAUGHT], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stdout == "False\n"
    assert "canary-uncaught" not in done.stderr
    in_thread, in_main = map(json.loads, done.stderr.splitlines())
    assert in_thread["thread_name"] == "t-1"
    assert "ValueError: thread [redacted]" in in_thread["exception"]
    assert "RuntimeError: main [redacted]" in in_main["exception"]
