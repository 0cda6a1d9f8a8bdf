"""Run wrk, a load generator, for servers that are too fast for bench/load.py.

It reports the number of responses, the number of errors (no connection, no response, a status of
400 or more), and latencies. It does not distinguish statuses below 400, but the mean length of
responses does.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple

SCRIPT = Path(__file__).with_suffix(".lua")
CONNECTIONS = 32

CHROMIUM = {
    "sec-ch-ua-platform": '"Linux"',
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/137.0.0.0 Safari/537.36",
    "sec-ch-ua": '"Chromium";v="137", "Not/A)Brand";v="24"',
    "sec-ch-ua-mobile": "?0",
    "Accept": "*/*",
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "es-CL,es;q=0.9",
}
"""The headers that Chromium sends to an API of another origin, except Host, Origin and Referer."""


class WrkResult(NamedTuple):
    responses: int
    errors: int
    per_second: float
    mean_length: float
    """The mean number of bytes of a response, including its head."""
    p50: float
    p99: float


def run(
    port: int, requests: Sequence[str], seconds: int, headers: Mapping[str, str] | None = None
) -> WrkResult:
    """Send the requests in turn. Each is a path, optionally followed by a space and an ETag."""
    with NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(requests) + "\n")
        file.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s"]
        command += ["-s", str(SCRIPT), f"http://127.0.0.1:{port}", "--", file.name]
        command += [f"{name}: {value}" for name, value in (headers or {}).items()]
        output = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=True, timeout=seconds + 30
        ).stdout
    responses, errors, length, elapsed, p50, p99 = json.loads(output.splitlines()[-1])
    return WrkResult(
        responses,
        errors,
        responses / elapsed * 1e6,
        length / max(1, responses),
        p50 / 1e6,
        p99 / 1e6,
    )
