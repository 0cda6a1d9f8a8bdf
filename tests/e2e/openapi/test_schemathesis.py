"""The OpenAPI document describes every response to generated requests (Schemathesis)."""

from pathlib import Path

import pytest

from tests.e2e.node_tools import run
from tests.e2e.openapi.setup import METRICS_TOKEN, WEBHOOK_SECRET, running_servers
from tests.processes import ROOT

AUTH = """
[auth.openapi]
accessToken.bearer = "{accessToken}"
actionToken.bearer = "{actionToken}"
metricsToken.bearer = "{metricsToken}"
webhookSecret.api_key = "{webhookSecret}"
"""


@pytest.mark.timeout(300)
def test_schemathesis_reports_nothing(tmp_path: Path) -> None:
    with running_servers() as servers:
        auth = AUTH.format(
            accessToken=servers.book_soon()["accessToken"],
            actionToken=servers.book()["actionToken"],
            metricsToken=METRICS_TOKEN,
            webhookSecret=WEBHOOK_SECRET,
        )
        config = tmp_path / "schemathesis.toml"
        config.write_text((ROOT / "schemathesis.toml").read_text() + auth)
        url = f"{servers.proxy('caching').url}/api/openapi.json"
        options = ["--max-examples=5", "--seed=1", "--no-color"]
        run(
            "schemathesis",
            f"--config-file={config}",
            "run",
            url,
            *options,
            cwd=ROOT,
            timeout_seconds=280,
        )
