# `make` alone says what there is. Each command does its own set-up; the second time that costs nothing.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
# Debian keeps haproxy where only root looks.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin
# Hundreds of Python processes start during the tests: none compiles again what another one has compiled.
export PYTHONDONTWRITEBYTECODE :=
# promtool throws much away; collecting it seldom saves a seventh of its time.
export GOGC ?= 400
# And its collector takes every processor that is idle, which here none is.
export GOMAXPROCS ?= 1

# What tests write, nobody keeps. promtool stays on a disk: it reserves more than memory should hold.
pytest test-long e2e: export PYTEST_DEBUG_TEMPROOT = $(shell tests/tools/scratch)

BIN := .venv/bin
SYNCED := .venv/.synced
COMPILED := .venv/.compiled
NEWER := .tools/newer
RULES := generated/prometheus/rules/*.yml
RULE_TESTS := generated/prometheus/tests/*.yml

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup: $(SYNCED) servers tools ## install all that the other commands need, and nothing else

$(SYNCED): pyproject.toml uv.lock tests/tools/environment
	@tests/tools/environment
	@touch $@

# Debian's Prometheus, Alertmanager and HAProxy, installed where that is allowed.
.PHONY: servers
servers:
	@tests/tools/servers

.PHONY: tools
tools: $(NEWER)/.unpacked ## unpack a newer Prometheus and Alertmanager into .tools, beside the system's

$(NEWER)/.unpacked: tests/tools/newer_prometheus
	@tests/tools/newer_prometheus $(NEWER)
	@touch $@

.PHONY: axe
axe: ## axe-core from npm into .tools: it judges whether everybody can use the pages
	@tests/tools/axe

.PHONY: generate
generate: $(SYNCED) ## declarations in rules_src/rollouts → generated/
	@$(BIN)/handrail generate --source rules_src --out generated

# --syntax-only: the file with the receiver's token is on production's machine, not here.
.PHONY: check
check: $(SYNCED) servers ## is generated/ up to date, and do promtool and amtool accept it?
	$(BIN)/handrail generate --source rules_src --out generated --check
	promtool check rules --lint=all --lint-fatal $(RULES)
	ls $(RULE_TESTS) | xargs -n 1 -P 2 promtool test rules
	promtool check config --syntax-only generated/prometheus/prometheus.yml
	amtool check-config generated/alertmanager/alertmanager.yml

# Two at a time: while one worker's test waits for a server, the other jobs compute.
.PHONY: test
test: ## all that must hold before a commit: style, types, tests, check
	@$(MAKE) -j 2 style types pytest check

ACCEPTED ?= 5000
.PHONY: fuzz
fuzz: $(SYNCED) servers ## declarations drawn at random, judged by both promtools and amtool
	PYTHONPATH=tests $(BIN)/python -m fuzz --accepted $(ACCEPTED)

.PHONY: test-long
test-long: $(SYNCED) servers axe ## the tests that take minutes: hundreds of kills, and many examples of each property
	$(BIN)/pytest -n 6 --dist worksteal -m "long or hypothesis" --hypothesis-profile=many -rP

.PHONY: style
style: $(SYNCED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

.PHONY: types
types: $(SYNCED)
	$(BIN)/mypy

# Where nothing is compiled yet, one process compiles the tests for all workers.
.PHONY: pytest
pytest: $(SYNCED) servers
	@$(MAKE) tools || echo "going on without the newer Prometheus: the tests that need it will fail" >&2
	@test -e $(COMPILED) || { $(BIN)/pytest --collect-only --quiet >/dev/null; touch $(COMPILED); }
	$(BIN)/pytest -n 10 --dist worksteal -m "not long and not unleash" --shown=docs/maintainers/requirements

.PHONY: lint
lint: style types ## style, types, and handrail lint on the declarations
	$(BIN)/handrail lint --source rules_src

.PHONY: e2e
e2e: $(SYNCED) servers ## the tests on real servers alone: application, HAProxy, Prometheus, Alertmanager, receiver
	$(BIN)/pytest tests/end_to_end -m "not long and not unleash"

.PHONY: e2e-unleash
e2e-unleash: $(SYNCED) servers ## the tests on a real Unleash from npm and PostgreSQL (180 MB in .tools)
	@command -v npm >/dev/null || tests/tools/debian_packages nodejs npm
	@tests/end_to_end/unleash/install.sh
	$(BIN)/pytest tests/end_to_end/unleash -m unleash

.PHONY: mutate
mutate: $(SYNCED) servers ## change one thing at a time in the rules: do their tests notice? ALL=--all: in all rollouts
	@PYTHONPATH=tests $(BIN)/python -m mutation $(ALL)

.PHONY: bench
bench: $(SYNCED) servers ## the generated tests, the compiler beside promtool, the samples an SLO reads; FULL=--full: promtool over all
	@PYTHONPATH=tests $(BIN)/python -m bench $(FULL)

.PHONY: bench-rollback
bench-rollback: $(SYNCED) servers ## measure on real servers: breach to webhook, webhook to weight 0
	@PYTHONPATH=tests $(BIN)/python -m end_to_end.bench_rollback

.PHONY: bench-receiver
bench-receiver: $(SYNCED) servers ## the receiver's throughput compared with Debian's webhook: needs wrk and webhook
	@PYTHONPATH=tests $(BIN)/python -m end_to_end.bench_receiver

.PHONY: bench-page
bench-page: $(SYNCED) servers ## how long the pages take with 200 rollouts of 20 guardrails each
	@PYTHONPATH=tests $(BIN)/python -m end_to_end.bench_page

.PHONY: bench-metrics
bench-metrics: $(SYNCED) ## what the example application's metrics cost: CPU with the middleware and without
	@PYTHONPATH=tests $(BIN)/python -m end_to_end.ruleiq.cost

.PHONY: bench-libraries
bench-libraries: $(SYNCED) ## our own code beside the libraries that would do the same: docs/decisions/hand-written-or-a-library.md
	@$(BIN)/uv pip install --quiet --no-deps --target .tools/libraries jsonpointer==3.12 openapi-pydantic==0.6.0 ruamel-yaml==0.19.1 sse-starlette==3.7.0
	@PYTHONPATH=tests:.tools/libraries $(BIN)/python -m bench.libraries

.PHONY: screenshots
screenshots: $(SYNCED) servers ## redraw the pictures of the pages in docs/how-to/pictures
	@PYTHONPATH=tests $(BIN)/python -m end_to_end.screenshots

.PHONY: dashboards
dashboards: $(SYNCED) servers ## redraw the pages and pictures in docs/reference/dashboards
	@PYTHONPATH=tests $(BIN)/python -m dashboards

.PHONY: demo
demo: $(SYNCED) servers ## a good version completes and a bad one is rolled back, while you watch
	@PYTHONPATH=tests $(BIN)/python -m end_to_end.demo

.PHONY: stack
stack: $(SYNCED) servers ## ruleiq from nothing: application, node_exporter, Prometheus, Alertmanager, receiver, Grafana where it is installed, on loopback until Ctrl-C
	@PYTHONPATH=tests $(BIN)/python -m end_to_end.ruleiq $(STACK)

# Settings are HANDRAIL_* variables; only the database has a place of its own here.
.PHONY: serve
serve: export HANDRAIL_STORE ?= sqlite:.demo/handrail.db
serve: $(SYNCED) ## the receiver in the foreground, for generated/playbook
	@mkdir -p .demo
	@$(BIN)/handrail serve

.PHONY: docs
docs: $(SYNCED) ## docs/ as a site in build/site; a link that leads nowhere is an error
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.PHONY: dist
dist: $(SYNCED) ## wheel, sdist and SBOM of what is committed into dist/; the same bytes each time
	@tests/tools/distribution dist

.PHONY: format
format: $(SYNCED) ## put the Python files into the form that lint wants
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: clean
clean: ## remove what the other commands made, and leave generated/
	rm -rf .venv .tools .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build
	find rules_src receiver tests -name __pycache__ -type d -prune -exec rm -rf {} +
