"""The certificate that this installation signs manifests with: its owner's, or one that it makes for itself at first need."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from vividflow.config import Settings
from vividflow.errors import Complaints
from vividflow.timing import new_id, now

if TYPE_CHECKING:
    from cryptography.x509 import Certificate as X509

FILE = "c2pa.pem"
# What C2PA takes as a purpose of a signer's certificate: its own, e-mail protection, signing of documents.
PURPOSES = frozenset({"1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36"})
YEARS_DAYS = 3650
_BEGIN = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A signer: `chain` in PEM, its own certificate first; `key` in PEM (PKCS #8, not encrypted); `algorithm` as C2PA names it."""

    chain: bytes
    key: bytes = field(repr=False)
    algorithm: str
    home_made: bool

    @property
    def anchor(self) -> bytes:
        """The last certificate of the chain, in PEM: whoever trusts it trusts the signer."""
        return _BEGIN + self.chain.rpartition(_BEGIN)[2]


def certificate_of(settings: Settings) -> Certificate:
    """The owner's certificate, else the home-made one, which is made now if there is none. Raises `Complaints`, `OSError`."""
    if settings.c2pa_certificate or settings.c2pa_private_key:
        return _owners(settings)
    file = settings.data_dir / FILE
    with suppress(FileNotFoundError):
        return _read(file.read_bytes())
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{FILE}.{new_id()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(_home_made())
        out.flush()
        os.fsync(out.fileno())
    try:
        with suppress(FileExistsError):
            os.link(fresh, file)  # create-only: of two first needs one wins, and both read the winner's
    finally:
        fresh.unlink()
    return _read(file.read_bytes())


def anchors_of(settings: Settings) -> bytes:
    """What this installation recognises its own signatures by, in PEM: its present certificate's, and its home-made one's."""
    present = certificate_of(settings)
    found = [present.anchor]
    if not present.home_made:
        with suppress(OSError, Complaints):
            found.append(_read((settings.data_dir / FILE).read_bytes()).anchor)
    return b"\n".join(found)


def check(settings: Settings) -> None:
    """Look at the owner's certificate and key, if any are set. Raises `Complaints` with all that is wrong with them."""
    if settings.c2pa_certificate or settings.c2pa_private_key:
        _owners(settings)


def _read(pem: bytes) -> Certificate:
    place = pem.find(_BEGIN)
    if place <= 0:
        raise Complaints([f"DATA_DIR/{FILE}: holds no key and certificate. Move it away, and a new one is made."])
    return Certificate(chain=pem[place:], key=pem[:place], algorithm="es256", home_made=True)


def _home_made() -> bytes:
    """A key, its certificate and the root that signed it, in PEM. The root's own key is forgotten: it signs nothing more."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID, ObjectIdentifier

    def named(words: str) -> x509.Name:
        pairs = ((NameOID.ORGANIZATION_NAME, "Vivid Flow (home-made)"), (NameOID.COMMON_NAME, words))
        return x509.Name([x509.NameAttribute(oid, text) for oid, text in pairs])

    moment = datetime.fromtimestamp(now(), UTC)
    root, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer, usages = named("Root of this Vivid Flow studio"), dict.fromkeys(_USAGES, False)

    def begun(subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool) -> x509.CertificateBuilder:
        used = {"key_cert_sign": True, "crl_sign": True} if authority else {"digital_signature": True}
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(moment - timedelta(days=1))
            .not_valid_after(moment + timedelta(days=YEARS_DAYS))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**(usages | used)), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    purposes = x509.ExtendedKeyUsage([ObjectIdentifier(each) for each in sorted(PURPOSES)])
    leaf = begun(named("This Vivid Flow studio"), own, authority=False)
    leaf = leaf.add_extension(purposes, critical=False).add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False
    )
    chain = (leaf.sign(root, hashes.SHA256()), begun(issuer, root, authority=True).sign(root, hashes.SHA256()))
    key = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key + b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain)


_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def _owners(settings: Settings) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    wanted = {"C2PA_CERTIFICATE": settings.c2pa_certificate, "C2PA_PRIVATE_KEY": settings.c2pa_private_key}
    if absent := [name for name, path in wanted.items() if path is None]:
        raise Complaints([f"{absent[0]}: must be set together with its companion, or neither."])
    text = {name: _bytes(name, path) for name, path in wanted.items() if path is not None}
    try:
        chain = x509.load_pem_x509_certificates(text["C2PA_CERTIFICATE"])
    except ValueError:
        raise Complaints(["C2PA_CERTIFICATE: must be a file of certificates in PEM, the signer's first."]) from None
    try:
        key = serialization.load_pem_private_key(text["C2PA_PRIVATE_KEY"], password=None)
    except (ValueError, TypeError):
        raise Complaints(
            ["C2PA_PRIVATE_KEY: must be a file with one private key in PEM, without a password."]
        ) from None
    algorithm, wrong = _algorithm(key), _wrong_with(chain[0], key)
    if algorithm is None:
        wrong.append("C2PA_PRIVATE_KEY: must be EC (P-256, P-384, P-521), RSA of 2048 bits or more, or Ed25519.")
    if wrong or algorithm is None:
        raise Complaints(wrong)
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain)
    return Certificate(chain=pem, key=plain, algorithm=algorithm, home_made=False)


def _bytes(name: str, path: Path) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except OSError as error:
        raise Complaints([f"{name}: the file cannot be read: {error.strerror}."]) from None


def _algorithm(key: object) -> str | None:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    match key:
        case ec.EllipticCurvePrivateKey():
            return {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}.get(key.curve.name)
        case rsa.RSAPrivateKey() if key.key_size >= 2048:
            return "ps256"
        case ed25519.Ed25519PrivateKey():
            return "ed25519"
        case _:
            return None


def _wrong_with(own: X509, key: object) -> list[str]:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    def told(public: object) -> bytes:
        return public.public_bytes(  # type: ignore[attr-defined]
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    wrong = []
    if told(own.public_key()) != told(key.public_key()):  # type: ignore[attr-defined]
        wrong.append("C2PA_PRIVATE_KEY: does not belong to the first certificate of C2PA_CERTIFICATE.")
    if not own.not_valid_before_utc.timestamp() <= now() <= own.not_valid_after_utc.timestamp():
        wrong.append(f"C2PA_CERTIFICATE: is valid from {own.not_valid_before_utc:%F} to {own.not_valid_after_utc:%F}.")
    if own.issuer == own.subject:
        wrong.append("C2PA_CERTIFICATE: signed itself, which C2PA refuses; it needs the certificate of an authority.")
    try:
        if own.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            wrong.append("C2PA_CERTIFICATE: the first certificate is an authority's; the signer's comes first.")
    except x509.ExtensionNotFound:
        pass
    try:
        purposes = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        fit = any(each.dotted_string in PURPOSES for each in purposes)
    except x509.ExtensionNotFound:
        fit = False
    if not fit:
        wrong.append("C2PA_CERTIFICATE: lacks a purpose that C2PA takes (C2PA signing, e-mail, documents).")
    return wrong
