"""Clients generated from the OpenAPI document can book."""

import shutil
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import pytest

from tests.client import JOHN, ZONE, booking_body, working_day
from tests.e2e.node_tools import node, run, tool
from tests.processes import ROOT, Sandbox, ServerProcess

TOOLS = ROOT / "tests/e2e/openapi/tools"


def test_python_client(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox,
    proxy_in_process: ServerProcess,
) -> None:  # fmt: skip
    run(
        "openapi-python-client", "generate", "--path", document, "--meta", "none",
        "--output-path", tmp_path / "generated_client", "--fail-on-warning",
    )  # fmt: skip
    monkeypatch.syspath_prepend(tmp_path)
    users = import_module("generated_client.api.users")
    for name in ("list_user_hours", "book_by_user"):
        import_module(f"{users.__name__}.{name}")
    models = import_module("generated_client.models")

    key = uuid4().hex
    with import_module("generated_client").Client(proxy_in_process.url) as client:
        start, *_ = users.list_user_hours.sync(
            JOHN, client=client, date=working_day(), timezone=ZONE
        )
        body = models.BookingByUser.from_dict(booking_body(start.isoformat(), "ana@example.com"))
        booked, again = (
            users.book_by_user.sync(JOHN, client=client, body=body, idempotency_key=key)
            for _ in range(2)
        )
    assert isinstance(booked, models.Booking)
    assert booked.start_at == start
    assert again == booked
    assert len(sandbox.appointments()) == 1


def test_typescript_client(
    document: Path, tmp_path: Path, sandbox: Sandbox, proxy_in_process: ServerProcess
) -> None:
    generator, compiler = tool("openapi-ts", TOOLS), tool("tsc", TOOLS)
    for name in ("book.ts", "package.json", "tsconfig.json"):
        shutil.copy(TOOLS / name, tmp_path)
    run(generator, "--input", document, "--output", "client", "--no-log-file", cwd=tmp_path)
    run(compiler, cwd=tmp_path)
    url, day = proxy_in_process.url, working_day()
    start_at = run(node(), "book.js", url, JOHN, day, ZONE, cwd=tmp_path).strip()
    assert [booked["startAt"] for booked in sandbox.appointments()] == [start_at]
