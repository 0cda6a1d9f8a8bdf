#!/usr/bin/env bash
# Install the Debian or Ubuntu packages that a make target needs: ops/bring.sh PACKAGE...
# Uses sudo if not root. Without either, prints what to install and fails.
set -euo pipefail

echo "== installing Debian packages: $*"
command -v apt-get >/dev/null || { echo "No apt-get here: install $* by hand." >&2; exit 1; }
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
command -v "${as_root[0]:-true}" >/dev/null || { echo "As root: apt-get install $*" >&2; exit 1; }

install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}
# The package lists may be missing or outdated.
install "$@" 2>/dev/null || { "${as_root[@]}" apt-get update -qq && install "$@"; }
