#!/bin/sh
# Declarations and generated/ → may this be merged? Needs handrail, promtool and amtool.
set -eu
cd "$(dirname "$0")"
handrail lint
handrail generate --check
find generated -path '*prometheus/rules/*.yml' -exec promtool check rules --lint=all --lint-fatal {} +
find generated -path '*prometheus/tests/*.yml' -exec promtool test rules {} +
find generated -name prometheus.yml -exec promtool check config --syntax-only {} +
find generated -name alertmanager.yml -exec amtool check-config {} +
