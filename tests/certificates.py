"""Certificates for localhost from an authority of the tests' own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Made:
    """Files in PEM."""

    authority: Path
    certificate: Path
    key: Path


def make(folder: Path, ends: datetime) -> Made:
    """Write a certificate that is good until `ends`, its key, and the authority's certificate."""
    made = Made(folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")
    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
    begins = ends - timedelta(days=400)

    def signed(subject: x509.Name, public: ec.EllipticCurvePublicKey, extension: x509.ExtensionType) -> bytes:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        whose = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key())
        return builder.add_extension(whose, critical=False).sign(root, hashes.SHA256()).public_bytes(pem)

    pem = serialization.Encoding.PEM
    made.authority.write_bytes(signed(issuer, root.public_key(), x509.BasicConstraints(ca=True, path_length=None)))
    ours = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    made.certificate.write_bytes(signed(ours, key.public_key(), names))
    kept = serialization.PrivateFormat.PKCS8
    made.key.write_bytes(key.private_bytes(pem, kept, serialization.NoEncryption()))
    return made
