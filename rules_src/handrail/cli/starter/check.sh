#!/bin/sh
# Declarations and generated/ → may this be merged? Needs handrail, promtool and amtool.
set -eu
cd "$(dirname "$0")"
handrail lint
handrail generate --check
promtool check rules --lint=all --lint-fatal generated/prometheus/rules/*.yml
promtool test rules generated/prometheus/tests/*.yml
promtool check config --syntax-only generated/prometheus/prometheus.yml
amtool check-config generated/alertmanager/alertmanager.yml
