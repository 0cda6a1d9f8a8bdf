"""`python -m doctor`: run every check and print each finding as it is made."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import settings as environment
from common.version import VERSION
from doctor import account, captcha, clients, pitfalls, redis_check, settings_report
from doctor.findings import FAIL, Finding, fail, line, printable
from doctor.upstream import Videsk
from settings import Settings, SettingsError


def findings(settings: Settings, *, offline: bool = False) -> Iterator[Finding]:
    """Yield the findings; those on the settings first, as all others depend on them."""
    named = environment.names_in_environment()
    yield from settings_report.check(settings, named)
    yield from pitfalls.check(settings, os.environ, named)
    yield from clients.check_origins(settings)
    if offline:
        return
    yield from account.check(Videsk(settings), settings.videsk_rate_limit, datetime.now(UTC))
    yield from redis_check.check(settings, named)
    yield from captcha.check(settings)
    yield from clients.check_referrers(settings)


def main(arguments: Sequence[str] = ()) -> int:
    """Return the exit status. Raises SettingsError, whose line Python prints, unless --json."""
    parser = argparse.ArgumentParser("python -m doctor", description="Check the configuration.")
    parser.add_argument("--version", action="version", version=VERSION)
    parser.add_argument("--offline", action="store_true", help="check the settings only, as in CI")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    key, found = "", []
    try:
        settings = environment.from_environment()
        key = settings.videsk_api_key
        logging.disable()  # it would repeat the findings
        for finding in findings(settings, offline=options.offline):
            found.append(finding)
            if not options.json:
                print(line(finding, key), flush=True)
    except SettingsError as error:
        if not options.json:
            raise
        found.append(fail("settings", str(error), "correct it, then run the doctor again"))
    failed = any(finding.level == FAIL for finding in found)
    if options.json:
        shown = [
            {name: printable(text, key) for name, text in asdict(finding).items()}
            for finding in found
        ]
        print(json.dumps({"version": VERSION, "ok": not failed, "findings": shown}, indent=2))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
