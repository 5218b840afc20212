"""Certificates that an authority of the test itself signed, thrown away with the test's folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)
HERE = x509.IPAddress(IPv4Address("127.0.0.1"))
ELSEWHERE = x509.DNSName("elsewhere.invalid")


@dataclass(frozen=True)
class Certificate:
    """Files in PEM: of the authority, of the certificate that it signed, and of its key."""

    authority: Path
    certificate: Path
    key: Path


def signed(folder: Path, name: x509.GeneralName = HERE) -> Certificate:
    """Write a certificate for a name, by an authority that nobody else knows."""
    folder.mkdir()
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _called("authority")
    authority = _begun(issuer, issuer, authority_key).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    authority = authority.add_extension(identifier, critical=False).add_extension(usage, critical=True)
    server = _begun(_called("server"), issuer, key).add_extension(x509.SubjectAlternativeName([name]), critical=False)
    server = server.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
    )
    made = Certificate(folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")
    made.authority.write_bytes(authority.sign(authority_key, SHA256()).public_bytes(Encoding.PEM))
    made.certificate.write_bytes(server.sign(authority_key, SHA256()).public_bytes(Encoding.PEM))
    made.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    begun = x509.CertificateBuilder(issuer, name, key.public_key(), x509.random_serial_number())
    return begun.not_valid_before(BEGIN).not_valid_after(END)
