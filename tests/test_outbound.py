from __future__ import annotations

import datetime
import errno
import hashlib
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.raw_server import Handler, RawServer, Seen, reply
from vividflow.errors import LeaseLost, Permanent, Transient
from vividflow.outbound import Door, DoorRefused, LinkGone, address, is_public, netloc

BODY = random.Random(7).randbytes(700_000)
SHA = hashlib.sha256(BODY).hexdigest()

INSIDE_4 = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.1.2.3"),
    *("127.255.255.254", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.192"),
    *("192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
]
INSIDE_6 = [
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:0:127.0.0.1", "::127.0.0.1", "::ffff:169.254.169.254"),
    *("64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "100::1", "2001::1", "2001:0:7f00:1::"),
    *("2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "3ffe::1"),
    *("3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1"),
    *("0:0:0:0:0:0:0:1", "::0001", "0000::127.0.0.1"),
]
# Other spellings of 127.0.0.1, 169.254.169.254 and friends that some parser somewhere takes.
SPELLINGS = [
    *("2130706433", "0x7f000001", "017700000001", "0x7f.1", "0x7f.0.0.1", "0177.0.0.1", "0177.0.0.01", "127.1"),
    *("127.0.1", "127.0.0.1.", "127.0.0.1..", "0127.0.0.1", "127.000.000.001", "0", "0.0", "0x0", "00", "1.1", "0x.0x"),
    *("2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "0xA9.0xFE.0xA9.0xFE", "127.0.0.0x1"),
    *("3232235521", "4294967296", "127.0.0.256", "127.0.0.1.1", "1.2.3", "256.0.0.1", "0X7F000001", "0x7F.1"),
    *("１２７.０.０.１", "127。0。0。1", "127．0．0．1", "①②⑦.⓪.⓪.①", "ｌocalhost", "loca\u00adlhost", "ⓛocalhost"),
    *("127.0.0.1%00.example.com", "127.0.0.1%2eexample.com", "%6c%6f%63alhost", "127.0.0.1%09", "localhost%00"),
    *(
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "[::1%25lo]",
        "[::1%lo]",
        "[fe80::1%25eth0]",
        "[v1.fe80]",
    ),
    *("[127.0.0.1]", "[[::1]]", "[::1", "::1", "[]", "[::1]x", "x[::1]", "[::1].", "[::ffff:0x7f.0.0.1]"),
    *(
        "user@127.0.0.1",
        "user:word@127.0.0.1",
        "example.com@127.0.0.1",
        "127.0.0.1@example.com",
        "@127.0.0.1",
        ":@[::1]",
    ),
    *("", ".", "..", "-", "_._.-", ".localhost", "a..b", "*.example.com", "exa mple.com", "example.com,127.0.0.1"),
    *(
        "127.0.0.1\t",
        "\t127.0.0.1",
        "127.0.0.1\x00",
        "127.0.0.1\r\nX-A: b",
        "127.0.0.1\x7f",
        "127.0.0.1\x85",
        "ex\u2028ample",
    ),
    *("example.com\\@127.0.0.1", "127.0.0.1\\", "\\\\127.0.0.1", "example.com;127.0.0.1"),
    *("localhost", "LOCALHOST", "localhost.", "inside.test", "INSIDE.test.", "metadata.google.internal", "mixed.test"),
]
WHOLE = [
    *(
        "",
        " ",
        "x",
        "http",
        "http:",
        "http:/",
        "http://",
        "https://",
        "///",
        "//127.0.0.1/",
        "/etc/passwd",
        "127.0.0.1",
    ),
    *("http:127.0.0.1", "http:/127.0.0.1", "http:///127.0.0.1", "http:////127.0.0.1", "http:\\\\127.0.0.1", "http//x"),
    *("file:///etc/passwd", "file://127.0.0.1/etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:70/_x", "ws://x/"),
    *("dict://127.0.0.1:11211/", "ldap://127.0.0.1/", "data:text/plain,x", "javascript:alert(1)", "jar:http://x!/"),
    *("unix:/run/docker.sock", "http+unix://%2Frun%2Fdocker.sock/x", "netdoc:///etc/passwd", "blob:https://x/1"),
    *("gs://bucket/key", "s3://bucket/key", " http://127.0.0.1/", "http://127.0.0.1/ ", "ht\ntp://127.0.0.1/"),
    *("https://example.com:0/", "https://example.com:65536/", "https://example.com:99999/", "https://example.com:-1/"),
    *(
        "https://example.com:22/",
        "https://example.com:8080/",
        "https://example.com:443:22/",
        "https://example.com:４４３/",
    ),
    *("https://example.com:0x50/", "https://example.com:+443/", "url:http://127.0.0.1/", f"https://{'a' * 9000}.com/"),
]
NAMES: dict[str, list[str]] = {
    "localhost": ["127.0.0.1"],
    "inside.test": ["10.1.2.3"],
    "metadata.google.internal": ["169.254.169.254"],
    "mixed.test": ["93.184.216.34", "127.0.0.1"],
    "example.com": ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"],
}


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Our own DNS: literals as ever, these names, and nothing else."""
    known, real = dict(NAMES), socket.getaddrinfo

    def answer(host: str, port: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            ip_address(host)
        except ValueError:
            if host not in known:
                raise socket.gaierror(socket.EAI_NONAME, "unknown") from None
            return [entry for literal in known[host] for entry in real(literal, port, *args, **kwargs)]
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return known


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer(answers={"/file": reply(BODY, Content_Type="video/mp4; x=y")}) as here:
        yield here


@pytest.fixture
def canary() -> Iterator[RawServer]:
    """Must never be touched: looked at after the test."""
    with RawServer(answers={"/": reply(b"secret")}) as here:
        yield here
        assert here.touched == 0


@pytest.fixture
def door(server: RawServer) -> Door:
    return Door([server.netloc])


@pytest.fixture
def sink(tmp_path: Path) -> Path:
    return tmp_path / "sink"


# ---- which addresses


@pytest.mark.parametrize("literal", [*INSIDE_4, *INSIDE_6, "", "8.8.8", "example.com", "2606:4700::1111%eth0"])
def test_an_inside_address_is_not_public(literal: str) -> None:
    assert not is_public(literal)


@pytest.mark.parametrize(
    "literal",
    [
        *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "93.184.216.34", "100.63.255.255", "100.128.0.0"),
        *("126.255.255.255", "128.0.0.1", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0"),
        *("192.0.1.1", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"),
        *("2606:4700:4700::1111", "2001:4860:4860::8888", "2001:200::1", "2a00:1450::1", "2003::1"),
    ],
)
def test_the_open_internet_is_public(literal: str) -> None:
    assert is_public(literal)


def test_what_python_itself_calls_private_is_never_public() -> None:
    seeded = random.Random(11)
    for net, bits in ((IPv4Network("0.0.0.0/0"), 32), (IPv6Network("::/0"), 128)):
        for _ in range(4000):
            literal = net[seeded.getrandbits(bits)]
            assert not (is_public(str(literal)) and not literal.is_global), literal


@pytest.mark.parametrize("where", INSIDE_4 + INSIDE_6)
def test_a_name_that_leads_inside_is_refused(where: str, names: dict[str, list[str]]) -> None:
    names["rebound.test"] = ["93.184.216.34", where]
    with pytest.raises(DoorRefused) as refusal:
        Door().check("https://rebound.test/x")
    assert refusal.value.code == "address_not_allowed"
    assert where not in refusal.value.message


def test_no_spelling_of_an_inside_address_reaches_it(
    names: dict[str, list[str]], canary: RawServer, sink: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The canary's port counts as http's own, so that only the check of the address stands in between.
    monkeypatch.setitem(address.DEFAULT_PORTS, "http", canary.port)
    hosts = [*INSIDE_4, *(f"[{literal}]" for literal in INSIDE_6), *SPELLINGS]
    urls = [
        f"{scheme}://{host}{port}/" for host in hosts for scheme in ("http", "HTTP") for port in ("", f":{canary.port}")
    ]
    urls += [*WHOLE, *(f"https://{host}/" for host in hosts)]
    assert len(set(urls)) > 500
    for url in urls:
        with pytest.raises(DoorRefused):
            Door().fetch(url, sink=sink, max_bytes=100, schemes=("http", "https"))
        with pytest.raises(DoorRefused):
            Door().post(url, body=b"", headers={}, schemes=("http", "https"))
        assert not sink.exists()


def test_the_canary_would_sing(names: dict[str, list[str]], sink: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(answers={"/": reply(b"secret")}) as here:
        monkeypatch.setitem(address.DEFAULT_PORTS, "http", here.port)
        monkeypatch.setattr("vividflow.outbound.door.is_public", lambda _: True)
        Door().fetch("http://127.0.0.1/", sink=sink, max_bytes=100, schemes=("http",))
        assert here.touched == 1


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://example.com/", "scheme_not_allowed"),
        ("http://example.com/", "scheme_not_allowed"),
        ("https://example.com:8443/", "port_not_allowed"),
        ("https://example.com:0/", "port_not_allowed"),
        ("https://a:b@example.com/", "userinfo_not_allowed"),
        ("https://exämple.com/", "host_invalid"),
        ("https://127.1/", "host_invalid"),
        ("https://example.com/a b", "url_invalid"),
        ("https://example.com\\x", "url_invalid"),
        ("https://example.com/\ud800", "url_invalid"),
        ("https://127.0.0.1/", "address_not_allowed"),
    ],
)
def test_a_refusal_names_its_rule(url: str, code: str, names: dict[str, list[str]]) -> None:
    with pytest.raises(DoorRefused) as refusal:
        Door().check(url)
    assert refusal.value.code == code


def test_a_public_url_passes_as_it_was_written(names: dict[str, list[str]]) -> None:
    target = Door().check("https://EXAMPLE.com.:443/a%2Fb/ü?x=%20&y=[1]#part")
    assert target.url == "https://example.com/a%2Fb/%C3%BC?x=%20&y=[1]"
    assert target.addresses == tuple(NAMES["example.com"])
    assert not target.trusted
    assert Door().check("https://[2606:4700:4700:0::1111]/").authority == "[2606:4700:4700::1111]"
    assert Door().check("http://example.com", schemes=("http",)).url == "http://example.com/"
    assert Door().check("https://example.com?q").path == "/?q"


@settings(deadline=None)
@given(st.text("abc019.:/@[]\\?#%xF-_~ ٣。\t", max_size=30))
def test_whatever_passes_has_one_reading(tail: str) -> None:
    url = f"https://{tail}"
    try:
        _, host, port, _ = address.parse(url)
    except DoorRefused:
        return
    other = urlsplit(url)
    assert other.username is None
    assert address.pair(other.hostname or "", other.port or 443) == address.pair(host, port)


def test_an_unknown_name_may_be_known_later(names: dict[str, list[str]]) -> None:
    with pytest.raises(Transient) as error:
        Door().check("https://nowhere.test/")
    assert error.value.code == "host_not_found"


def test_a_name_server_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(address, "DNS_SECONDS", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(10) and [])
    with pytest.raises(Transient) as error:
        Door().check("https://slow.test/")
    release.set()
    assert error.value.code == "timed_out"


# ---- what the operator lets through


def test_only_the_exact_pair_is_let_through(
    server: RawServer, canary: RawServer, door: Door, sink: Path, names: dict[str, list[str]]
) -> None:
    assert door.fetch(server.url("/file"), sink=sink, max_bytes=len(BODY)).sha256 == SHA
    for url in (
        canary.url(),
        server.url("/file").replace("127.0.0.1", "localhost"),
        "http://127.0.0.1/",
        "https://10.0.0.1/",
    ):
        with pytest.raises(DoorRefused):
            door.fetch(url, sink=sink, max_bytes=len(BODY))


def test_a_provider_own_address_is_let_through_for_that_call_alone(server: RawServer, sink: Path) -> None:
    door = Door()
    pair = netloc(server.url("/v1"))
    assert door.fetch(server.url("/file"), sink=sink, max_bytes=len(BODY), allow_netlocs=[pair]).size == len(BODY)
    with pytest.raises(DoorRefused):
        door.fetch(server.url("/file"), sink=sink, max_bytes=len(BODY))


def test_with_a_list_no_other_host_is_asked_and_a_listed_port_is_a_usual_one(names: dict[str, list[str]]) -> None:
    only = frozenset({"example.com:8443", "inside.test:443"})
    assert Door().check("https://EXAMPLE.com:8443/x", only=only).port == 8443
    for url, code in [
        ("https://example.com/", "host_not_allowed"),
        ("https://unknown.test/", "host_not_allowed"),  # not even looked up
        ("http://example.com:8443/", "scheme_not_allowed"),
        ("https://inside.test/", "address_not_allowed"),
    ]:
        with pytest.raises(DoorRefused) as refusal:
            Door().check(url, only=only)
        assert refusal.value.code == code


def test_pairs_are_compared_in_one_spelling() -> None:
    assert netloc("https://API.Example.com/v1") == "api.example.com:443"
    assert netloc("http://[0:0::1]") == "::1:80"
    assert Door(["[::1]:9000"]).check("http://[0:0:0::1]:9000/").trusted
    with pytest.raises(ValueError, match="invalid literal"):
        Door(["no-port"])


def test_proxies_of_the_environment_are_not_asked(
    server: RawServer, canary: RawServer, door: Door, sink: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, canary.url())
    assert door.fetch(server.url("/file"), sink=sink, max_bytes=len(BODY)).size == len(BODY)


# ---- the address is pinned


def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_connected_to(
    server: RawServer, sink: Path, names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, connected, real = [], [], socket.create_connection

    def rebinding(host: str, *_: Any, **__: Any) -> Any:
        asked.append(host)
        where = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (where, 0))]

    def connect(pair: tuple[str, int], timeout: float) -> socket.socket:
        connected.append(pair[0])
        monkeypatch.setattr(socket, "getaddrinfo", literal_only)
        return real(("127.0.0.1", server.port), timeout)

    literal_only = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(socket, "create_connection", connect)
    Door().fetch("http://rebound.test/file", sink=sink, max_bytes=len(BODY), schemes=("http",))
    assert asked == ["rebound.test"]
    assert connected == ["93.184.216.34"]
    assert server.seen[0].headers["host"] == "rebound.test"


def test_a_redirect_to_the_same_name_is_checked_anew(
    server: RawServer, sink: Path, names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.create_connection

    def connect(pair: tuple[str, int], timeout: float) -> socket.socket:
        names["turning.test"] = ["127.0.0.1"]
        return real(("127.0.0.1", server.port), timeout)

    names["turning.test"] = ["93.184.216.34"]
    server.answers["/again"] = reply(status="302 Found", Location="/file")
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(DoorRefused) as refusal:
        Door().fetch("http://turning.test/again", sink=sink, max_bytes=9, schemes=("http",))
    assert refusal.value.code == "address_not_allowed"
    assert len(server.seen) == 1


def test_the_next_address_is_tried_when_the_first_is_dead(
    server: RawServer, sink: Path, names: dict[str, list[str]]
) -> None:
    names["two.test"] = ["127.0.0.2", "127.0.0.1"]
    door = Door([f"two.test:{server.port}"])
    assert door.fetch(f"http://two.test:{server.port}/file", sink=sink, max_bytes=len(BODY)).sha256 == SHA


# ---- redirects


def test_redirects_are_followed_up_to_three(server: RawServer, door: Door, sink: Path) -> None:
    for n, location in enumerate(["/1?a=ä", server.url("/2"), "file"]):
        path = "/1?a=%C3%A4" if n == 1 else f"/{n}"
        server.answers[path] = reply(status="302 Found", Location=location.encode().decode("latin-1"))
    fetched = door.fetch(server.url("/0"), sink=sink, max_bytes=len(BODY))
    assert (fetched.sha256, fetched.mime, fetched.final_url) == (SHA, "video/mp4", server.url("/file"))
    assert sink.read_bytes() == BODY
    with pytest.raises(DoorRefused) as refusal:
        door.fetch(server.url("/0"), sink=sink, max_bytes=len(BODY), max_redirects=2)
    assert refusal.value.code == "too_many_redirects"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_no_redirect_leads_inside(
    status: str, server: RawServer, canary: RawServer, door: Door, sink: Path, names: dict[str, list[str]]
) -> None:
    port = canary.port
    for location in [
        *(
            f"http://127.0.0.1:{port}/",
            f"//127.0.0.1:{port}/",
            f"http://localhost:{port}/",
            f"http://2130706433:{port}/",
        ),
        *(
            f"http://[::1]:{port}/",
            f"http://[::ffff:127.0.0.1]:{port}/",
            f"http://x@127.0.0.1:{port}/",
            "file:///etc/passwd",
        ),
        *(
            f"http:\\\\127.0.0.1:{port}/",
            f"\\\\127.0.0.1:{port}\\",
            f"http://127.0.0.1:{port}/\x01",
            "https://127.0.0.1/",
        ),
        *(
            "https://169.254.169.254/latest",
            "https://inside.test/",
            "https://mixed.test/",
            "http://example.com/",
            "data:,x",
        ),
        *("https://example.com:22/", "javascript:x", "gopher://127.0.0.1/", f"https://127.1:{port}/", "http://"),
    ]:
        server.answers["/away"] = reply(status=status, Location=location)
        with pytest.raises(DoorRefused):
            door.fetch(server.url("/away"), sink=sink, max_bytes=100)
        assert not sink.exists()


def test_keys_stay_with_the_hosts_that_may_have_them(server: RawServer, sink: Path) -> None:
    keys = {"Authorization": "Bearer key", "X-Key": "key"}
    with RawServer(answers={"/file": reply(b"x")}) as other:
        server.answers["/away"] = reply(status="307 Temporary", Location=other.url("/file"))
        door = Door([server.netloc, other.netloc])

        def sent(url: str, **rules: Any) -> list[bool]:
            server.seen.clear()
            other.seen.clear()
            door.fetch(url, sink=sink, max_bytes=len(BODY), headers=keys, **rules)
            for each in server.seen + other.seen:
                assert ("authorization" in each.headers) == ("x-key" in each.headers)
            return ["x-key" in each.headers for each in server.seen + other.seen]

        assert sent(server.url("/away")) == [False, False]
        assert sent(server.url("/away"), header_hosts=[server.netloc]) == [True, False]
        assert sent(server.url("/away"), allow_netlocs=[server.netloc]) == [True, False]
        assert sent(server.url("/away"), header_hosts=[server.netloc, other.netloc]) == [True, True]
        assert sent(other.url("/file"), header_hosts=[server.netloc]) == [False]
        assert sent(server.url("/file"), header_hosts=["127.0.0.1"]) == [False]


def test_keys_go_to_subdomains_and_never_in_the_clear(
    server: RawServer, sink: Path, names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda pair, timeout: real(("127.0.0.1", server.port), timeout))
    names.update({"a.files.test": ["93.184.216.34"], "badfiles.test": ["93.184.216.34"]})

    def told(host: str, scheme: str = "http", **rules: Any) -> bool:
        server.seen.clear()
        url = f"{scheme}://{host}/file"
        Door().fetch(url, sink=sink, max_bytes=len(BODY), schemes=(scheme,), headers={"K": "v"}, **rules)
        return "k" in server.seen[-1].headers

    assert not told("a.files.test", header_hosts=["files.test"])
    monkeypatch.setattr("vividflow.outbound.door._trust", lambda: _NoTls())
    assert told("a.files.test", "https", header_hosts=["Files.test"])
    assert not told("badfiles.test", "https", header_hosts=["files.test"])
    assert not told("a.files.test", "https", header_hosts=["files.test:8443"])
    assert told("a.files.test", "https", header_hosts=["a.files.test:443"])


class _NoTls:
    def wrap_socket(self, sock: socket.socket, server_hostname: str) -> socket.socket:
        return sock


# ---- TLS


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for files.test, and a client's that trusts its maker."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "files.test")])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("files.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path_factory.mktemp("tls") / "both.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    return serving, ssl.create_default_context(cafile=str(pem))


def test_tls_speaks_to_the_name_at_the_pinned_address(
    certified: tuple[ssl.SSLContext, ssl.SSLContext], sink: Path, names: dict[str, list[str]]
) -> None:
    serving, trusting = certified
    indicated: list[str | None] = []
    serving.sni_callback = lambda _sock, name, _context: indicated.append(name)
    names.update({"files.test": ["127.0.0.1"], "wrong.test": ["127.0.0.1"]})
    with RawServer(tls=serving, answers={"/file": reply(BODY)}) as here:
        allow = [f"files.test:{here.port}", f"wrong.test:{here.port}"]
        door = Door(allow, tls=trusting)
        assert door.fetch(f"https://files.test:{here.port}/file", sink=sink, max_bytes=len(BODY)).sha256 == SHA
        assert indicated == ["files.test"]
        assert here.seen[0].headers["host"] == f"files.test:{here.port}"
        for stranger, host in ((door, "wrong.test"), (Door(allow), "files.test")):
            with pytest.raises(Transient) as error:
                stranger.fetch(f"https://{host}:{here.port}/file", sink=sink, max_bytes=9)
            assert error.value.code == "tls_failed"
        assert len(here.seen) == 1


# ---- what comes back


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        *((reply(status=f"{n} X"), LinkGone, "link_gone") for n in (401, 403, 404, 410)),
        *((reply(status=f"{n} X"), Permanent, "link_refused") for n in (300, 304, 400, 402, 405, 422, 451)),
        *((reply(status=f"{n} X"), Transient, f"http_{n}") for n in (408, 425, 429, 500, 502, 503, 504)),
        (reply(status="302 Found"), Permanent, "link_refused"),
        (reply(status="204 No Content"), Transient, "bad_answer"),
        (reply(b"x", status="206 Partial", Content_Range="bytes 0-0/9"), Transient, "bad_answer"),
        (reply(b"x", Content_Encoding="gzip"), Transient, "bad_answer"),
        (b"SSH-2.0-OpenSSH_9\r\n", Transient, "no_answer"),
        (b"", Transient, "no_answer"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", Transient, "no_answer"),
        (reply(b"abc", length=10), Transient, "cut_short"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n9\r\nab", Transient, "cut_short"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabcde\r\n", Transient, "cut_short"),
        (reply(b"", length=1001), Permanent, "too_large"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001, Permanent, "too_large"),
    ],
)
def test_an_answer_that_is_no_file_says_what_it_means(
    answer: bytes, kind: type[Exception], code: str, server: RawServer, door: Door, sink: Path
) -> None:
    server.answers["/odd"] = answer
    with pytest.raises(kind) as error:
        door.fetch(server.url("/odd"), sink=sink, max_bytes=1000)
    assert getattr(error.value, "code", None) == code
    assert not sink.exists()


def test_a_later_carries_its_time_and_costs_no_patience(server: RawServer, door: Door, sink: Path) -> None:
    server.answers["/busy"] = reply(status="429 Slow Down", Retry_After="7")
    with pytest.raises(Transient) as error:
        door.fetch(server.url("/busy"), sink=sink, max_bytes=9)
    assert (error.value.retry_after, error.value.counts) == (7.0, False)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nabcde",
        reply(b"abcde") + b"and more than was announced",
    ],
)
def test_every_framing_is_read(answer: bytes, server: RawServer, door: Door, sink: Path) -> None:
    server.answers["/f"] = answer
    fetched = door.fetch(server.url("/f"), sink=sink, max_bytes=5)
    assert (sink.read_bytes(), fetched.size, fetched.mime) == (b"abcde", 5, "")
    assert server.seen[0].headers["accept-encoding"] == "identity"


def test_progress_is_told_to_the_end(server: RawServer, door: Door, sink: Path) -> None:
    told: list[tuple[int, int | None]] = []
    door.fetch(server.url("/file"), sink=sink, max_bytes=len(BODY), on_progress=lambda got, of: told.append((got, of)))
    assert told[-1] == (len(BODY), len(BODY))


def _ranged(etag: Callable[[int], str], cut: int, times: int) -> Handler:
    """Serves BODY, breaking off after `cut` bytes the first `times` times; honours If-Range."""
    asked = 0

    def answer(sock: socket.socket, seen: Seen) -> None:
        nonlocal asked
        asked += 1
        tag = etag(asked)
        start = int(seen.headers.get("range", "bytes=0-")[6:-1]) if seen.headers.get("if-range", tag) == tag else 0
        rest = BODY[start:]
        head = {"status": "206 Partial", "Content_Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"} if start else {}
        sent = rest[:cut] if asked <= times else rest
        sock.sendall(reply(sent, length=len(rest), ETag=tag, **head))

    return answer


def test_a_cut_stream_goes_on_where_it_broke(server: RawServer, door: Door, sink: Path) -> None:
    server.answers["/cut"] = _ranged(lambda _: '"one"', 200_000, 3)
    fetched = door.fetch(server.url("/cut"), sink=sink, max_bytes=len(BODY))
    assert (fetched.sha256, fetched.size, sink.read_bytes()) == (SHA, len(BODY), BODY)
    assert [each.headers.get("range") for each in server.seen] == [
        None,
        "bytes=200000-",
        "bytes=400000-",
        "bytes=600000-",
    ]


@pytest.mark.parametrize("times", [1, 2])
def test_a_file_that_changed_meanwhile_is_read_from_its_start(
    times: int, server: RawServer, door: Door, sink: Path
) -> None:
    server.answers["/cut"] = _ranged(lambda nth: f'"{min(nth, 2)}"', 200_000, times)
    assert door.fetch(server.url("/cut"), sink=sink, max_bytes=len(BODY)).sha256 == SHA
    assert sink.read_bytes() == BODY
    assert len(server.seen) == times + 1


@pytest.mark.parametrize(
    ("etag", "cut", "asked"), [('W/"weak"', 1000, 1), ("", 1000, 1), ('"s"', 1000, 4), ('"s"', 0, 1)]
)
def test_going_on_has_its_limits(etag: str, cut: int, asked: int, server: RawServer, door: Door, sink: Path) -> None:
    server.answers["/cut"] = _ranged(lambda _: etag, cut, 99)
    with pytest.raises(Transient) as error:
        door.fetch(server.url("/cut"), sink=sink, max_bytes=len(BODY))
    assert (error.value.code, len(server.seen), sink.exists()) == ("cut_short", asked, False)


@pytest.mark.parametrize(("etag", "start"), [('"s"', 5), ('"other"', 10)])
def test_another_part_or_another_file_is_not_spliced_in(
    etag: str, start: int, server: RawServer, door: Door, sink: Path
) -> None:
    def answer(sock: socket.socket, seen: Seen) -> None:
        if "range" in seen.headers:
            place = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
            sock.sendall(reply(BODY[start:], status="206 Partial", ETag=etag, Content_Range=place))
        else:
            sock.sendall(reply(BODY[:10], length=len(BODY), ETag='"s"'))

    server.answers["/cut"] = answer
    with pytest.raises(Transient) as error:
        door.fetch(server.url("/cut"), sink=sink, max_bytes=len(BODY))
    assert (error.value.code, sink.exists()) == ("bad_answer", False)


# ---- time and room


def _drip(before: bytes, piece: bytes) -> Handler:
    def answer(sock: socket.socket, seen: Seen) -> None:
        sock.sendall(before)
        pause = threading.Event()
        while not pause.wait(0.02):
            sock.sendall(piece)

    return answer


@pytest.mark.parametrize(
    ("answer", "limits"),
    [
        (_drip(b"HTTP/1.1 200 OK\r\nX: ", b"y"), {"first_byte_seconds": 0.3}),
        (_drip(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b"y"), {"total_seconds": 0.3}),
        (_drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"), {"total_seconds": 0.3}),
        (_drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), {"first_byte_seconds": 0.3}),
        (lambda sock, _: sock.recv(1), {"first_byte_seconds": 0.3}),
        (lambda sock, _: (sock.sendall(reply(b"ab", length=9)), sock.recv(1)), {"idle_seconds": 0.3}),
    ],
)
def test_a_host_that_dawdles_is_left(
    answer: Handler, limits: dict[str, Any], server: RawServer, door: Door, sink: Path
) -> None:
    server.answers["/slow"] = answer
    with pytest.raises(Transient) as error:
        door.fetch(server.url("/slow"), sink=sink, max_bytes=1000, **limits)
    assert (error.value.code, sink.exists()) == ("timed_out", False)


def test_who_lost_the_lease_stops_in_the_middle(server: RawServer, door: Door, sink: Path) -> None:
    started = threading.Event()

    def answer(sock: socket.socket, seen: Seen) -> None:
        sock.sendall(reply(b"ab", length=9))
        started.set()
        sock.recv(1)

    server.answers["/stall"] = answer
    with pytest.raises(LeaseLost):
        door.fetch(server.url("/stall"), sink=sink, max_bytes=99, keep_going=lambda: not started.is_set())
    assert not sink.exists()


def test_nobody_there_is_transient(door: Door, sink: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(Transient) as error:
        Door([f"127.0.0.1:{port}"]).fetch(f"http://127.0.0.1:{port}/", sink=sink, max_bytes=9)
    assert error.value.code == "connect_failed"
    assert str(port) not in error.value.message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_the_callers_to_see(server: RawServer, door: Door, sink: Path) -> None:
    sink.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as error:
        door.fetch(server.url("/file"), sink=sink, max_bytes=len(BODY))
    assert error.value.errno == errno.ENOSPC
    assert not sink.is_symlink()
    assert Path("/dev/full").exists()


# ---- post


def test_a_post_is_sent_once_and_follows_nothing(server: RawServer, canary: RawServer, door: Door) -> None:
    server.answers["/hook"] = reply(b"moved" * 10_000, status="307 Temporary", Location=canary.url())
    answer = door.post(server.url("/hook"), body=b"{}", headers={"webhook-id": "m", "Host": "evil"}, limit=100)
    assert (answer.status, len(answer.body), answer.headers["location"]) == (307, 100, canary.url())
    (seen,) = server.seen
    assert (seen.method, seen.body, seen.headers["webhook-id"]) == ("POST", b"{}", "m")
    assert seen.headers["host"] == server.netloc


@pytest.mark.parametrize("answer", [reply(b"a", length=50), _drip(reply(length=5000), b"y")])
def test_a_post_whose_answer_breaks_off_still_has_its_status(
    answer: bytes | Handler, server: RawServer, door: Door
) -> None:
    server.answers["/hook"] = answer
    assert door.post(server.url("/hook"), body=b"", headers={}, timeout=1).status == 200


def test_a_post_does_not_wait_longer_than_it_may(server: RawServer, door: Door) -> None:
    server.answers["/hook"] = _drip(b"HTTP/1.1 200 OK\r\nX: ", b"y")
    with pytest.raises(Transient) as error:
        door.post(server.url("/hook"), body=b"", headers={}, timeout=0.3)
    assert error.value.code == "timed_out"


def test_the_table_of_closed_ranges_holds_every_range_of_the_plan() -> None:
    for block in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "fc00::/7",
        "2002::/16",
    ):
        network = ip_network(block)
        assert not is_public(str(network[0]))
        assert not is_public(str(network[-1]))
