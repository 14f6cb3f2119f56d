#!/bin/sh
# npm → Unleash 6 in .tools/unleash, once: about 180 MB. No package's install script is run; none is needed.
set -eu
cd "$(dirname "$0")/../../.."
version=6.10.1
installed=.tools/unleash/node_modules/unleash-server/package.json
if ! grep -qs "\"version\": \"$version\"" "$installed"; then
    mkdir -p .tools/unleash
    npm install --prefix .tools/unleash --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
        "unleash-server@$version"
fi
