"""A real Prometheus."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import yaml

from tests.e2e.metrics import TOKEN
from tests.processes import ServerProcess, free_port, running_server


def prometheus_server(
    folder: Path, rules: Path, jobs: Mapping[str, Sequence[int]], scrape: str, evaluate: str
) -> AbstractContextManager[ServerProcess]:
    """Run a Prometheus with these rules, which scrapes the proxies on each job's ports.

    `scrape` and `evaluate` are the intervals, such as `500ms`.
    """
    config = {
        "global": {
            "scrape_interval": scrape,
            "scrape_timeout": scrape,
            "evaluation_interval": evaluate,
        },
        "rule_files": [str(rules)],
        "scrape_configs": [
            {
                "job_name": name,
                "authorization": {"credentials": TOKEN},
                "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}],
            }
            for name, ports in jobs.items()
        ],
    }
    file, port = folder / "prometheus.yml", free_port()
    file.write_text(yaml.safe_dump(config))
    options = {
        "config.file": file,
        "storage.tsdb.path": folder / "data",
        "web.listen-address": f"127.0.0.1:{port}",
    }
    return running_server(
        ["prometheus", *[f"--{name}={value}" for name, value in options.items()]], port
    )
