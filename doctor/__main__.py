"""`python -m doctor`: run every check and print each finding as it is made."""

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import settings as environment
from common.version import VERSION
from doctor import account, clients, redis_check, settings_report
from doctor.findings import FAIL, Finding, line
from doctor.upstream import Videsk
from settings import Settings


def findings(settings: Settings) -> Iterator[Finding]:
    """Yield the findings; those on the settings first, as all others depend on them."""
    named = environment.names_in_environment()
    yield from settings_report.check(settings, named)
    yield from account.check(Videsk(settings), settings.videsk_rate_limit, datetime.now(UTC))
    yield from redis_check.check(settings, named)
    yield from clients.check_origins(settings)
    yield from clients.check_referrers(settings)


def main(arguments: Sequence[str] = ()) -> int:
    """Return the exit status. Raises SettingsError, whose one line Python prints."""
    parser = argparse.ArgumentParser("python -m doctor")
    parser.add_argument("--version", action="version", version=VERSION)
    parser.parse_args(arguments)
    settings = environment.from_environment()
    logging.disable()  # it would repeat the findings
    failed = False
    for finding in findings(settings):
        failed = failed or finding.level == FAIL
        print(line(finding, settings.videsk_api_key), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
