"""A TLS connection with decrypted but unread bytes is not reused."""

import io
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from socket import socket

import pytest
import requests

from tests.e2e.raw_videsk import RawVidesk, json_response, raw_videsk, request_heads
from videsk.transport import _new_session

HEAD_LENGTH = len(json_response(b"x" * 1000)) - 1000
BODY = b'"%b"' % (b"a" * (io.DEFAULT_BUFFER_SIZE - HEAD_LENGTH - 2))
"""The body ends with the buffer, so extra bytes of the same record stay in the TLS layer."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificate")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=videsk"]
    names += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command.split() + names, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def extra() -> list[bytes]:
    """Return the extra bytes that are sent after each response in the same record."""
    return [b""]


@pytest.fixture
def videsk(certificate: Path, extra: list[bytes]) -> Iterator[RawVidesk]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")

    def serve(connection: socket) -> None:
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as encrypted:
            for _ in request_heads(encrypted):
                encrypted.sendall(json_response(BODY) + extra[0])

    with raw_videsk(serve) as videsk:
        yield videsk


@pytest.fixture
def session(certificate: Path) -> Iterator[requests.Session]:
    with _new_session() as session:
        session.verify = str(certificate / "cert.pem")
        yield session


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
@pytest.mark.parametrize(
    ("left_over", "connections"), [(b"", 1), (b"H", 3), (json_response(b"1"), 3)]
)
def test_a_connection_with_unread_decrypted_bytes_is_not_reused(
    session: requests.Session,
    videsk: RawVidesk,
    extra: list[bytes],
    left_over: bytes,
    connections: int,
) -> None:
    extra[0] = left_over
    for _ in range(3):
        with session.get(videsk.url("https"), stream=True, timeout=5) as response:
            assert response.raw.read(100_000, decode_content=True) == BODY
    assert videsk.connection_count == connections
