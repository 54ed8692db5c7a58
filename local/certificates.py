"""Certificates for one run, from an authority made for it."""

from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization

_ORGANISATION = "eks-control-plane-logs rig"


@dataclass(frozen=True)
class CertificateFiles:
    """What a TLS server needs, as PEM files.

    Attributes:
        certificate: The certificate with its chain.
        private_key: As PKCS#8, the only form that OpenSearch reads.
        authority: The certificate of who issued it, for clients to verify with.
        subject: The distinguished name, common name first.
    """

    certificate: Path
    private_key: Path
    authority: Path
    subject: str


def issue_certificate(name: str, folder: Path) -> CertificateFiles:
    """A certificate for 127.0.0.1 and localhost from a new authority, whose own key is forgotten at once.

    Args:
        name: The common name, and the stem of the files.
        folder: An existing folder for the three files.
    """
    authority = trustme.CA(organization_name=_ORGANISATION)
    leaf = authority.issue_cert("127.0.0.1", "localhost", common_name=name, organization_name=_ORGANISATION)
    stem = folder / name
    files = CertificateFiles(
        stem.with_suffix(".pem"), stem.with_suffix(".key"), stem.with_suffix(".ca.pem"), _subject(leaf)
    )
    files.certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    files.private_key.touch(mode=0o600)
    files.private_key.write_bytes(_pkcs8(leaf.private_key_pem.bytes()))
    authority.cert_pem.write_to_path(str(files.authority))
    return files


def _subject(leaf: trustme.LeafCert) -> str:
    """The distinguished name in the order that OpenSearch's `nodes_dn` compares: common name first (RFC 4514)."""
    return x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).subject.rfc4514_string()


def _pkcs8(private_key: bytes) -> bytes:
    return serialization.load_pem_private_key(private_key, password=None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
