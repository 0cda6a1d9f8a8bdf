"""The OpenAPI document, and the page that shows it."""

import re

import pytest
from flask.testing import FlaskClient

from blueprints import docs
from tests.unit.blueprints.setup import client_with


@pytest.fixture
def built() -> list[int]:
    """Return a list with an item for each time that the document was built."""
    return []


@pytest.fixture
def client(built: list[int]) -> FlaskClient:
    def build() -> dict[str, object]:
        built.append(1)
        return {"openapi": "3.1.0"}

    return client_with(docs.make_blueprint(build))


def test_the_document_is_built_once(client: FlaskClient, built: list[int]) -> None:
    assert not built
    for _ in range(2):
        response = client.get("/api/openapi.json")
        assert response.json == {"openapi": "3.1.0"}
        assert response.headers["Cache-Control"] == "no-store"
    assert built == [1]


def test_the_page_loads_only_files_of_its_own_that_never_change(client: FlaskClient) -> None:
    page = client.get("/api/docs")
    assert page.mimetype == "text/html"
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    links = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert len(links) == 4
    for link in links:
        assert re.fullmatch(r"docs/[a-z0-9.-]+\?v=[0-9a-f]{32}", link)
        file = client.get(f"/api/{link}", headers={"Accept-Encoding": "br"})
        assert file.status_code == 200
        assert "immutable" in file.headers["Cache-Control"]
        assert file.mimetype in {"text/css", "text/javascript", "image/png"}
    assert (
        client.get("/api/docs/swagger-ui.css", headers={"Accept-Encoding": "br"}).content_encoding
        == "br"
    )


@pytest.mark.parametrize("name", ["index.html", "..%2f__init__.py", "swagger-ui.css.map"])
def test_no_other_file_is_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/api/docs/{name}").status_code == 404
