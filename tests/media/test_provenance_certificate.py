"""The certificate that signs: made once and kept private, or the owner's, looked at before the server starts."""

from __future__ import annotations

import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.installation import settings_in
from vividflow.config import Settings
from vividflow.errors import Complaints
from vividflow.lifecycle.tools import build_tools
from vividflow.media.provenance import Claim, Source
from vividflow.media.provenance_certificate import FILE, certificate_of, check
from vividflow.media.provenance_seal import Seal

CLAIM = Claim(title="A video", made_at=1_800_000_000.0, source=Source.AI)


def test_the_first_need_makes_it_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    settings, found = settings_in(tmp_path), []
    threads = [threading.Thread(target=lambda: found.append(certificate_of(settings))) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert len(found) == 4
    assert len({each.key for each in found}) == 1
    assert found[0].home_made
    assert [each.name for each in (tmp_path / "data").iterdir()] == [FILE]
    assert stat.S_IMODE((tmp_path / "data" / FILE).stat().st_mode) == 0o600
    assert "PRIVATE" not in repr(found[0])
    assert b"PRIVATE" not in found[0].chain


def test_a_spoiled_file_is_not_replaced_and_nothing_is_signed(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    settings.data_dir.mkdir()
    (settings.data_dir / FILE).write_text("nothing of use")
    (tmp_path / "film").write_bytes(b"film")
    sealed = Seal(settings).over(tmp_path / "film", "video/mp4", CLAIM)
    assert sealed.trouble is not None
    assert "the certificate cannot be used" in sealed.trouble
    assert (settings.data_dir / FILE).read_text() == "nothing of use"


@pytest.mark.parametrize("kind", ["es256", "es384", "ps256"])
def test_the_owners_certificate_signs_instead(tmp_path: Path, kind: str) -> None:
    key: Any = rsa.generate_private_key(65537, 2048) if kind == "ps256" else None
    key = key or ec.generate_private_key(ec.SECP256R1() if kind == "es256" else ec.SECP384R1())
    settings = owners(tmp_path, key)
    seal, film = Seal(settings), tmp_path / "film"
    film.write_bytes(b"film")
    assert (seal.certificate.algorithm, seal.certificate.home_made) == (kind, False)
    facts = seal.read(film, None, seal.over(film, "video/mp4", CLAIM).manifest)
    assert facts.signer is not None
    assert (facts.state, facts.signer.name, facts.signer.ours, facts.trusted) == ("valid", "Owner", True, None)
    assert not (tmp_path / "data" / FILE).exists()


def test_what_was_signed_before_the_owner_brought_a_certificate_is_still_known(tmp_path: Path) -> None:
    film = tmp_path / "film"
    film.write_bytes(b"film")
    before = Seal(settings_in(tmp_path)).over(film, "video/mp4", CLAIM).manifest
    facts = Seal(owners(tmp_path, ec.generate_private_key(ec.SECP256R1()))).read(film, None, before)
    assert facts.signer is not None
    assert (facts.state, facts.signer.ours) == ("valid", True)


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"other_key": True}, "does not belong to the first certificate"),
        ({"days": -1}, "C2PA_CERTIFICATE: is valid from"),
        ({"purpose": None}, "lacks a purpose"),
        ({"purpose": ExtendedKeyUsageOID.SERVER_AUTH}, "lacks a purpose"),
        ({"alone": True}, "signed itself"),
        ({"authority": True}, "is an authority's"),
    ],
)
def test_a_certificate_that_would_not_do_is_refused_before_the_start(
    tmp_path: Path, wish: dict[str, Any], says: str
) -> None:
    settings = owners(tmp_path, ec.generate_private_key(ec.SECP256R1()), **wish)
    with pytest.raises(Complaints, match=says) as refused:
        build_tools(settings)
    assert "PRIVATE KEY" not in str(refused.value)


def test_half_a_pair_files_that_are_none_and_keys_of_no_use_are_told(tmp_path: Path) -> None:
    good = owners(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / "text").write_text("hello")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"c2pa_private_key": None}, "C2PA_PRIVATE_KEY: must be set together"),
        ({"c2pa_certificate": None}, "C2PA_CERTIFICATE: must be set together"),
        ({"c2pa_certificate": tmp_path / "gone"}, "C2PA_CERTIFICATE: the file cannot be read: No such file"),
        ({"c2pa_certificate": tmp_path / "text"}, "C2PA_CERTIFICATE: must be a file of certificates"),
        ({"c2pa_private_key": tmp_path / "text"}, "C2PA_PRIVATE_KEY: must be a file with one private key"),
    ]
    check(good)
    for change, says in wrong:
        with pytest.raises(Complaints, match=says):
            check(good.model_copy(update=change))
    with pytest.raises(Complaints, match="must be EC"):
        check(owners(tmp_path, ec.generate_private_key(ec.SECP256K1())))


def owners(
    folder: Path,
    key: Any,
    *,
    days: int = 30,
    purpose: Any = ExtendedKeyUsageOID.EMAIL_PROTECTION,
    alone: bool = False,
    authority: bool = False,
    other_key: bool = False,
) -> Settings:
    """Settings with an owner's certificate and key in files of `folder`."""
    root = ec.generate_private_key(ec.SECP256R1())
    moment = datetime.now(UTC)

    def named(words: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Owners"),
                x509.NameAttribute(NameOID.COMMON_NAME, words),
            ]
        )

    def made(subject: str, public: Any, *, ca: bool, issuer: str = "Authority") -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named(issuer))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(moment - timedelta(days=9))
            .not_valid_after(moment + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False)
        )

    own = made("Owner", key.public_key(), ca=authority, issuer="Owner" if alone else "Authority")
    if purpose is not None:
        own = own.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    chain = [own.sign(root, hashes.SHA256()), made("Authority", root.public_key(), ca=True).sign(root, hashes.SHA256())]
    pem = serialization.Encoding.PEM
    (folder / "own.pem").write_bytes(b"".join(each.public_bytes(pem) for each in chain))
    kept = ec.generate_private_key(ec.SECP256R1()) if other_key else key
    (folder / "own.key").write_bytes(
        kept.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    certificate, private = folder / "own.pem", folder / "own.key"
    return settings_in(folder, c2pa_certificate=certificate, c2pa_private_key=private)
