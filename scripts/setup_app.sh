#!/bin/sh
# Prepare field_app/node_modules with exactly what package-lock.json names, digests checked, and build the app and its device for tests.
set -eu
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null \
    || { echo "The field app needs Node 20.19 or newer." >&2; exit 1; }
cd field_app
if [ ! -f node_modules/ready ] || [ package-lock.json -nt node_modules/ready ]; then
    echo "Preparing field_app/node_modules (once)…"
    npm ci --silent --ignore-scripts
    touch node_modules/ready
fi
log=$(mktemp)
npm run --silent build --workspaces --if-present >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; exit 1; }
rm -f "$log"
