"""Links of buckets: the signature is worked out again by the libraries of the services, and the link is what it says."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.simulators.server import Reply, Request, Server, json_reply
from tests.storage.contract import KEY
from vividflow.api.headers import SecurityHeaders
from vividflow.config import Settings
from vividflow.storage import google_signing, v4
from vividflow.storage.gcs import GcsStorage
from vividflow.storage.google import google_client
from vividflow.storage.s3 import S3Storage
from vividflow.storage.signed_links import expiry_for_api, expiry_for_pages

NOW = 1_790_001_234.5
EMAIL = "films@project.iam.gserviceaccount.com"
Settle = Callable[..., Settings]


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(v4, "now", lambda: NOW)


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service account's key, made up here."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    file = tmp_path_factory.mktemp("key") / "account.json"
    about = {"type": "service_account", "client_email": EMAIL, "private_key": pem, "project_id": "project"}
    file.write_text(json.dumps(about | {"token_uri": "http://127.0.0.1:9/token", "private_key_id": "1"}))
    return file


@pytest.fixture
def google(key_file: Path, tmp_path: Path) -> Iterator[GcsStorage]:
    """Google's own host, a service account with its key."""
    settings = Settings.from_environment(
        None, data_dir=tmp_path, storage_url="gs://films/a-prefix", google_application_credentials=key_file
    )
    storage = GcsStorage(settings)
    yield storage
    storage.close()


def _amazon(tmp_path: Path, **more: object) -> S3Storage:
    values = {"data_dir": tmp_path, "storage_url": "s3://films/a-prefix", "aws_region": "eu-central-1"} | more
    return S3Storage(Settings.from_environment(None, **values))


def _asked(link: str | None) -> tuple[str, dict[str, str]]:
    assert link is not None
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}{parts.path}", {
        name: values[0] for name, values in parse_qs(parts.query).items()
    }


@pytest.mark.parametrize("ends", [expiry_for_api(NOW), expiry_for_pages(NOW), NOW + 86400])
def test_googles_library_signs_the_same_link(google: GcsStorage, ends: float) -> None:
    from google.cloud.storage._signing import generate_signed_url_v4

    link = google.signed_url(KEY, expires_at=ends, disposition="attachment")
    address, asked = _asked(link)
    assert address == f"https://storage.googleapis.com/films/a-prefix/{KEY}"
    theirs = generate_signed_url_v4(
        google._client._credentials,
        resource=f"/films/a-prefix/{KEY}",
        expiration=timedelta(seconds=int(asked["X-Goog-Expires"])),
        api_access_endpoint="https://storage.googleapis.com",
        response_disposition='attachment; filename="original.mp4"',
        response_type="video/mp4",
        _request_timestamp=asked["X-Goog-Date"],
    )
    assert _asked(theirs) == (address, asked)
    _lives_until(asked["X-Goog-Date"], asked["X-Goog-Expires"], ends)


@pytest.mark.parametrize("token", [None, "session/token+="])
@pytest.mark.parametrize("ends", [expiry_for_api(NOW), expiry_for_pages(NOW)])
def test_amazons_library_signs_the_same_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: float, token: str | None
) -> None:
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    storage = _amazon(tmp_path)
    address, asked = _asked(storage.signed_url(KEY, expires_at=ends, disposition="inline"))
    assert address == f"https://films.s3.eu-central-1.amazonaws.com/a-prefix/{KEY}"
    stamp = datetime.strptime(asked["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: stamp.replace(tzinfo=None))
    theirs = storage._client.generate_presigned_url(
        "get_object",
        ExpiresIn=int(asked["X-Amz-Expires"]),
        Params={
            "Bucket": "films",
            "Key": f"a-prefix/{KEY}",
            "ResponseContentDisposition": 'inline; filename="original.mp4"',
            "ResponseContentType": "video/mp4",
        },
    )
    storage.close()
    assert _asked(theirs) == (address, asked)
    assert asked.get("X-Amz-Security-Token") == token
    _lives_until(asked["X-Amz-Date"], asked["X-Amz-Expires"], ends)


def _lives_until(stamp: str, seconds: str, ends: float) -> None:
    begins = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    assert begins <= NOW
    assert begins + int(seconds) == int(ends)


def test_a_link_stays_the_same_for_its_hour_and_changes_with_it(
    google: GcsStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    amazon = _amazon(tmp_path)

    def links(moment: float) -> list[str | None]:
        monkeypatch.setattr(v4, "now", lambda: moment)
        ends = expiry_for_api(moment)
        return [storage.signed_url(KEY, expires_at=ends, disposition="inline") for storage in (google, amazon)]

    hour = NOW // 3600 * 3600
    assert links(hour) == links(hour + 1799) == links(hour + 3599.9)
    assert not set(links(hour)) & set(links(hour + 3600))


def test_an_end_more_than_a_week_away_is_refused(google: GcsStorage) -> None:
    with pytest.raises(ValueError, match="seven days"):
        google.signed_url(KEY, expires_at=NOW + 8 * 86400, disposition="inline")


def test_a_bucket_elsewhere_or_with_a_dot_is_named_in_the_path(tmp_path: Path) -> None:
    ends = expiry_for_api(NOW)
    for more, address in (
        ({"aws_endpoint_url_s3": "http://127.0.0.1:9000"}, "http://127.0.0.1:9000/films/a-prefix/"),
        ({"storage_url": "s3://my.films"}, "https://s3.eu-central-1.amazonaws.com/my.films/"),
    ):
        storage = _amazon(tmp_path, **more)
        found, _ = _asked(storage.signed_url(KEY, expires_at=ends, disposition="inline"))
        assert found == address + KEY


def test_who_cannot_sign_gives_no_link(tmp_path: Path, settings_of: Settle, monkeypatch: pytest.MonkeyPatch) -> None:
    emulated = GcsStorage(settings_of("gs", "http://127.0.0.1:9"))
    token = GcsStorage(settings_of("gs", "", google_oauth_access_token="a-token"))
    for storage in (emulated, token):
        assert storage.signed_url(KEY, expires_at=expiry_for_api(NOW), disposition="inline") is None
        storage.close()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    assert _amazon(tmp_path).signed_url(KEY, expires_at=expiry_for_api(NOW), disposition="inline") is None


def test_credentials_that_end_before_the_link_do_not_sign_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.credentials import RefreshableCredentials

    ends = datetime.now(UTC) + timedelta(hours=5)
    held = {"access_key": "AKIA", "secret_key": "s", "token": "t", "expiry_time": ends.isoformat()}
    storage, moment = _amazon(tmp_path), ends.timestamp()
    storage._session._session._credentials = RefreshableCredentials.create_from_metadata(held, lambda: held, "test")
    monkeypatch.setattr(v4, "now", lambda: moment - 3600)
    assert storage.signed_url(KEY, expires_at=moment - 1, disposition="inline")
    assert storage.signed_url(KEY, expires_at=moment + 1, disposition="inline") is None


# ---- IAM signs for a machine's account


class Iam(Server):
    """signBlob: 256 bytes that follow from what is signed."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Request] = []
        self.status = 200

    def handle(self, request: Request) -> Reply:
        self.asked.append(request)
        if self.status != 200:
            return json_reply({"error": {"code": self.status}}, self.status)
        payload = base64.b64decode(request.json()["payload"])
        return json_reply({"signedBlob": base64.b64encode(b"signed " + payload).decode()})


@pytest.fixture
def iam() -> Iterator[Iam]:
    server = Iam().start()
    yield server
    server.stop()


@pytest.fixture
def machine(iam: Iam, settings_of: Settle) -> Iterator[Any]:
    """A client whose credentials are a machine's account."""
    client = google_client(settings_of("gs", "", google_oauth_access_token="a-token"))
    vars(client._credentials)["service_account_email"] = EMAIL
    yield client
    client.close()


def _link(signing: Any, ends: float = expiry_for_api(NOW)) -> str:
    return signing.link("https://storage.googleapis.com/films/x.mp4", expires_at=ends, params={})


def test_iam_signs_once_for_each_link(iam: Iam, machine: Any) -> None:
    signing = google_signing.signing_of(machine, iam=iam.url)
    assert signing is not None
    link = _link(signing)
    assert link == _link(signing)
    assert bytes.fromhex(_asked(link)[1]["X-Goog-Signature"]).startswith(b"signed GOOG4-RSA-SHA256\n")
    assert _asked(link)[1]["X-Goog-Credential"].startswith(f"{EMAIL}/")
    assert [request.path for request in iam.asked] == [f"/v1/projects/-/serviceAccounts/{EMAIL}:signBlob"]
    assert iam.asked[0].headers["authorization"] == "Bearer a-token"


def test_after_a_refusal_iam_is_left_alone(iam: Iam, machine: Any) -> None:
    signing = google_signing.signing_of(machine, iam=iam.url)
    iam.status = 403
    for _ in range(3):
        with pytest.raises(google_signing.CannotSign):
            _link(signing)
    assert len(iam.asked) == 1


def test_a_long_list_does_not_wait_for_iam(iam: Iam, machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_signing, "monotonic", lambda: 5.0)
    signing = google_signing.signing_of(machine, iam=iam.url)
    for each in range(8):
        _link(signing, NOW + each)
    with pytest.raises(google_signing.CannotSign):
        _link(signing, NOW + 100)
    assert _link(signing, NOW + 3)
    assert len(iam.asked) == 8


# ---- pages may show them


@pytest.mark.parametrize(
    ("url", "more", "origin"),
    [
        ("file:///srv/media", {}, ""),
        ("gs://films/x", {}, " https://storage.googleapis.com"),
        ("gs://films/x", {"storage_emulator_host": "http://127.0.0.1:4443"}, " http://127.0.0.1:4443"),
        ("s3://films/x", {"aws_region": "eu-west-3"}, " https://films.s3.eu-west-3.amazonaws.com"),
        ("s3://films/x", {"aws_endpoint_url_s3": "https://minio.example:9000/"}, " https://minio.example:9000"),
        ("s3://", {}, ""),
    ],
)
def test_the_pages_policy_lets_in_the_origin_of_the_links(url: str, more: dict[str, str], origin: str) -> None:
    policy = SecurityHeaders(Settings.from_environment(None, storage_url=url, **more)).page(None)
    assert f"media-src 'self' blob:{origin};" in policy["Content-Security-Policy"]
    assert f"img-src 'self' blob: data:{origin};" in policy["Content-Security-Policy"]
