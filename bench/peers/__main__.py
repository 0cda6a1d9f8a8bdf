"""Install the peers from the package registries: `python -m bench.peers`.

Packages that cannot be installed are reported. The tables then list the servers as not measured.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.processes import ROOT

HERE = Path(__file__).parent
VENV = ROOT / "bench" / ".peers" / "fastapi"
DEBIAN = {"nginx": "nginx-light", "varnishd": "varnish varnish-modules", "wrk": "wrk"}
DEBIAN |= {"npm": "nodejs npm"}


def main() -> None:
    missing = [names for program, names in DEBIAN.items() if not shutil.which(program)]
    steps = {
        "Debian's packages": [["ops/bring.sh", *" ".join(missing).split()]] if missing else [],
        "Express and Fastify": [["npm", "ci", "--silent", "--prefix", str(HERE / "node")]],
        "FastAPI": [
            [sys.executable, "-m", "venv", str(VENV)],
            [str(VENV / "bin/pip"), "install", "--quiet", "-r", str(HERE / "fastapi.txt")],
        ],
    }
    for name, commands in steps.items():
        print(f"== {name}", flush=True)
        try:
            for command in commands:
                subprocess.run(command, cwd=ROOT, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"not installed: {error}")


if __name__ == "__main__":
    main()
