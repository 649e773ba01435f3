#!/bin/sh
# The fault tests record a process's system calls, and make them fail, with strace; on Debian it is installed where it is missing.
set -eu
command -v strace >/dev/null && exit 0
command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || { echo "The fault tests need strace (Debian: apt-get install strace)." >&2; exit 1; }
echo "Installing strace (once)…"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y strace >/dev/null
