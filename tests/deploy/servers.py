"""Real web servers with the examples of deploy/, on free ports and with a certificate made for the test."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.ports import free_port
from tests.processes import Process
from tests.tools import needs, path_of

DEPLOY = Path(__file__).parents[2] / "deploy"
MODULES = Path("/usr/lib/apache2/modules")
PREFIX = "/dspace-connector"


@dataclass(frozen=True)
class Certificate:
    """Files of a certificate for localhost and 127.0.0.1, signed by itself."""

    chain: Path
    key: Path


def certificate_in(folder: Path) -> Certificate:
    """Make one."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate = Certificate(folder / "certificate.pem", folder / "certificate.key")
    certificate.chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    certificate.key.write_bytes(key.private_bytes(*form))
    return certificate


def adapted(example: Path, port: int, app_port: int, certificate: Certificate) -> str:
    """The example with only its addresses and the places of its certificate changed. `port`: that of https."""
    text = example.read_text()
    text = re.sub(r"listen \[::\].*\n", "\n", text)
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}").replace(
        "listen 80;", f"listen 127.0.0.1:{free_port()};"
    )
    text = text.replace("*:443", f"127.0.0.1:{port}").replace("*:80", f"127.0.0.1:{free_port()}")
    text = re.sub(r"/etc/ssl/\S+\.pem", str(certificate.chain), text)
    text = re.sub(r"/etc/ssl/\S+\.key", str(certificate.key), text)
    return text.replace("127.0.0.1:5000", f"127.0.0.1:{app_port}")


def nginx(folder: Path, site: str) -> list[str]:
    """The command that runs nginx with this site in this folder."""
    temporary = "\n".join(
        f"    {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "site.conf").write_text(site)
    (folder / "nginx.conf").write_text(
        f"{user}\ndaemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\nhttp {{\n"
        f"    access_log {folder}/access.log;\n"
        f"{temporary}\n    include {folder}/site.conf;\n}}\n"
    )
    return [path_of("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def apache(folder: Path, site: str) -> list[str]:
    """The command that runs Apache with this site in this folder."""
    names = ["mpm_event", "alias", "headers", "ssl", "proxy", "proxy_http", "socache_shmcb", "remoteip", "reqtimeout"]
    names += ["authn_core", "authn_file", "authz_core", "authz_user", "auth_basic"]
    loaded = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in names)
    ports = "\n".join(f"Listen {address}" for address in re.findall(r"<VirtualHost (\S+)>", site))
    user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
    (folder / "site.conf").write_text(site.replace("/var/log/apache2", str(folder)))
    (folder / "apache.conf").write_text(
        f"ServerRoot {folder}\nDefaultRuntimeDir {folder}\nPidFile {folder}/pid\nErrorLog {folder}/error.log\n"
        f'ServerName localhost\n{loaded}\n{user}{ports}\nLogFormat "%r %>s" combined\nInclude {folder}/site.conf\n'
    )
    return [path_of("apache"), "-f", str(folder / "apache.conf")]


@dataclass(frozen=True)
class Kind:
    """A kind of web server. `check`, `run`: the arguments with which it checks its configuration, and runs."""

    command: object
    check: tuple[str, ...]
    run: tuple[str, ...]


KINDS = {"nginx": Kind(nginx, ("-t",), ()), "apache": Kind(apache, ("-t",), ("-DFOREGROUND",))}
EXAMPLES = [f"{kind}/{name}.conf" for kind in KINDS for name in ("own-host", "prefix")]


def served_by(*kinds: str) -> list[ParameterSet]:
    """Return the examples for these web servers, as parameters of tests that run them."""
    names = [(example, example.partition("/")[0]) for example in EXAMPLES]
    return [pytest.param(example, marks=needs(kind)) for example, kind in names if kind in kinds]


SERVED = served_by(*KINDS)


@contextmanager
def in_front(
    example: str,
    folder: Path,
    app_port: int,
    certificate: Certificate,
    change: Callable[[str], str] = lambda site: site,
) -> Iterator[str]:
    """Run the server of an example before the app at this port; gives the address of the app as the world sees it.

    `change`: what an administrator does to the example before.
    """
    kind, port = KINDS[example.partition("/")[0]], free_port()
    command = kind.command(folder, change(adapted(DEPLOY / example, port, app_port, certificate)))
    with running(started([*command, *kind.run]), port):
        yield f"https://localhost:{port}{PREFIX if 'prefix' in example else ''}"


def started(command: list[str]) -> subprocess.Popen:
    """Start a web server."""
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


@contextmanager
def running(process: subprocess.Popen | Process, port: int) -> Iterator[None]:
    """Run the block as soon as this server listens on this port, and end the server with it."""
    try:
        _await(port, process)
        yield
    finally:
        process.terminate()
        process.wait(60)


def _await(port: int, process: subprocess.Popen | Process) -> None:
    """Wait until the server listens at this port. Raises AssertionError where it ends before."""
    pause = threading.Event()
    while True:
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, "The server ended before it listened."
        pause.wait(0.05)
