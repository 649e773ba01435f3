"""A certificate of our own for `--dev-tls`: an authority kept beside the data, and a certificate for this machine's names."""

import datetime as dt
import ipaddress
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class TlsFiles(NamedTuple):
    """PEM files: the authority to trust, the server's certificate and its key."""

    authority: Path
    certificate: Path
    key: Path


def make_dev_tls(folder: Path, hosts: list[str], now: dt.datetime) -> TlsFiles:
    """Make the files once; later starts use the same ones, so that devices go on trusting them."""
    files = TlsFiles(folder / "dev-ca.pem", folder / "dev-cert.pem", folder / "dev-key.pem")
    if not all(path.exists() for path in files):
        _make(files, hosts, now)
    return files


def _make(files: TlsFiles, hosts: list[str], now: dt.datetime) -> None:
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Fieldkeep development authority")])
    ca = _builder(ca_name, ca_name, ca_key.public_key(), now).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    names = [_name(host) for host in dict.fromkeys([*hosts, "127.0.0.1", "localhost"])]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Fieldkeep development server")])
    own = _builder(subject, ca_name, key.public_key(), now).add_extension(x509.SubjectAlternativeName(names), critical=False)
    own = own.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)  # only certificate and CRL signing
    ca = ca.add_extension(usage, critical=True).add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
    _write(files.authority, ca.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    _write(files.certificate, own.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    _write(files.key, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: dt.datetime) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key).serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=825))


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(path: Path, data: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(data)
