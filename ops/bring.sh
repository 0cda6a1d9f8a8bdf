#!/usr/bin/env bash
# Install the Debian or Ubuntu packages that a make target needs: ops/bring.sh PACKAGE...
# With --unpack FOLDER before them, only unpack them there, so that no service is started.
# Uses sudo if not root. Without either, prints what to install and fails.
set -euo pipefail

folder=""
[ "$1" != --unpack ] || { mkdir -p "$2"; folder="$(realpath "$2")"; shift 2; }
echo "== installing Debian packages: $*"
command -v apt-get >/dev/null || { echo "No apt-get here: install $* by hand." >&2; exit 1; }
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
command -v "${as_root[0]:-true}" >/dev/null || { echo "As root: apt-get install $*" >&2; exit 1; }

install() {
    if [ "$folder" ]; then
        (cd "$folder" && apt-get download -qq "$@" && ls ./*.deb | xargs -I{} dpkg-deb -x {} . && rm ./*.deb)
    else
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -qq -y --no-install-recommends "$@" >/dev/null
    fi
}
# The package lists may be missing or outdated.
install "$@" 2>/dev/null || { "${as_root[@]}" apt-get update -qq && install "$@"; }
