#!/bin/sh
# Prepare .venv with exactly what requirements.lock names, hashes checked, and this project in it.
set -eu
python=${1:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Fieldkeep needs Python 3.11 or newer; give one as PYTHON=/path make …" >&2; exit 1; }
[ -x .venv/bin/python ] || "$python" -m venv .venv || { echo "python venv is missing (Debian: apt-get install python3-venv)" >&2; exit 1; }
echo "Preparing .venv (once)…"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --require-hashes -r requirements.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-build-isolation --no-deps -e .
touch .venv/ready
