"""The command line: `python -m sandbox --help`."""

# First, so that sockets and sleeps of all later imports are cooperative.
from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402
import signal  # noqa: E402

import gevent  # noqa: E402

from sandbox.app import create_app  # noqa: E402
from sandbox.sockets import make_server  # noqa: E402


def main() -> None:
    arguments = argparse.ArgumentParser(
        prog="python -m sandbox", description="A fake of Videsk's public calendar API."
    )
    arguments.add_argument("--host", default="127.0.0.1")
    arguments.add_argument("--port", type=int, default=9000, help="0 picks a free port")
    arguments.add_argument("--rate", type=int, default=20, help="requests per second")
    arguments.add_argument(
        "--proxy-port", type=int, default=8000, help="where the booking page calls the proxy"
    )
    chosen = arguments.parse_args()

    server = make_server(create_app(chosen.rate, chosen.proxy_port), chosen.host, chosen.port)
    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, server.stop)
    server.start()
    url = f"http://{chosen.host}:{server.server_port}"
    print(f"Videsk sandbox at {url}, its keys at {url}/__sandbox__/keys", flush=True)
    print(f"booking page at {url}/demo/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
