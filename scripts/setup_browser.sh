#!/bin/sh
# The browser tests use the system's Chromium; on Debian it is installed where it is missing.
set -eu
[ -x /usr/bin/chromium ] && exit 0
command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || { echo "The browser tests need Chromium at /usr/bin/chromium (Debian: apt-get install chromium)." >&2; exit 1; }
echo "Installing Chromium (once)…"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y chromium >/dev/null
