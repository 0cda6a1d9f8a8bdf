"""Fresh projects with Vite, one in React and one in Vue: they install both packages, type-check, build and book."""

import mimetypes
import shutil
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import requests
from playwright.sync_api import Browser, expect

from tests.client import ZONE
from tests.e2e.demo_page import Visitor
from tests.e2e.http_server import Handler, http_server
from tests.e2e.node_tools import install, node, npm, run
from tests.e2e.pages import WIDGET_README
from tests.e2e.test_demo import free_hour, pending_starts, videsk_instant
from tests.e2e.widget_page import SEGMENT
from tests.processes import Sandbox, ServerProcess, proxy_server

expect.set_options(timeout=30_000)

PROJECTS = Path(__file__).parent
BUILD_SECONDS = 200


class ProjectVisitor(Visitor):
    """A visitor of a project's page."""

    @property
    def page_url(self) -> str:
        return f"{self.origin}/"


@pytest.fixture(scope="module", params=["react", "vue"])
def project(
    request: pytest.FixtureRequest, packed: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:  # fmt: skip
    """Return the folder of a project in which both packages are installed."""
    kind: str = request.param
    folder = tmp_path_factory.mktemp("projects") / kind
    shutil.copytree(PROJECTS / kind, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    _add_examples(folder)
    install(folder)
    files = [str(file) for file in packed.values()]
    run(npm(folder), "install", "--no-save", "--prefer-offline", *files, cwd=folder, timeout_seconds=BUILD_SECONDS)  # fmt: skip
    return folder


def _add_examples(folder: Path) -> None:
    """Add those of the package's README, so that they are type-checked too."""
    languages = {"react": ("ts", "tsx"), "vue": ("vue",)}
    for language, text in WIDGET_README.blocks(*languages[folder.name]):
        (folder / "src" / f"example.{language}").write_text(text)


@pytest.fixture(scope="module")
def origin(project: Path) -> Iterator[str]:
    """Of the page that the project builds."""

    class Serve(Handler):
        def respond(self) -> None:
            file = project / "dist" / (self.path.partition("?")[0].strip("/") or "index.html")
            self.reply(200, file.read_bytes(), mimetypes.guess_type(file)[0] or "")

    with http_server(Serve) as origin:
        yield origin


@pytest.fixture(scope="module")
def server(sandbox_process: Sandbox, origin: str) -> Iterator[ServerProcess]:
    with proxy_server(sandbox_process, CORS_ORIGINS=origin) as running:
        yield running


def test_it_builds_and_books(
    project: Path, origin: str, server: ServerProcess, sandbox: Sandbox, chromium: Browser
) -> None:
    settings = {"VITE_PROXY": server.url, "VITE_SEGMENT": SEGMENT}
    output = run(npm(project), "run", "build", cwd=project, timeout_seconds=BUILD_SECONDS, **settings)  # fmt: skip
    assert "import.meta" not in output, "Vite has no objection"
    context = chromium.new_context(locale="en-US", timezone_id=ZONE, reduced_motion="reduce")
    visitor = ProjectVisitor(context.new_page(), origin, server.url, "en", ZoneInfo(ZONE))
    visitor.open()
    visitor.choose_service("Asesoría hipotecaria")
    visitor.button("Juan Rivera").click()
    visitor.choose_hour(free_hour())
    expect(visitor.textbox("Nombre")).to_have_value("Ana")
    visitor.fill_in_details()
    visitor.book()
    visitor.expect_booked()
    assert pending_starts(sandbox) == [videsk_instant(free_hour())]
    file = visitor.page.locator("pre").inner_text()
    assert f"DTSTART:{free_hour():%Y%m%dT%H%M00Z}" in file.splitlines()
    heading = visitor.page.get_by_role("heading", level=1)
    expect(heading).to_have_text(
        f"A shop with {len(requests.get(f'{server.url}/api/services', timeout=10).json())} services"
    )
    first_day = visitor.page.evaluate(
        "document.querySelector('videsk-booking').getAttribute('first-day')"
    )
    assert first_day == "1"
    visitor.button("Start again").click()
    expect(visitor.page.get_by_role("button", name="Asesoría hipotecaria")).to_be_visible()
    context.close()
    assert visitor.unexpected_messages() == []


def test_a_server_may_import_it(project: Path) -> None:
    """Node.js has no HTMLElement. Without the condition `node`, rendering on a server fails."""
    imports = "; ".join(f'await import("videsk-booking{path}")' for path in ("", "/react", "/vue"))
    run(node(), "--input-type=module", "--eval", imports, cwd=project)
