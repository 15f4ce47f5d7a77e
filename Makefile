# Every target does its own set-up: a virtual environment in .venv with the locked packages and,
# for the tests, the Debian packages they need.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.SILENT:
.PHONY: help environment demo demo-reset test test-long mutants lint bench messages wheel

PORT ?= 8000
EXAMPLES ?= 5000
BIN := .venv/bin
# These hold the rules and nothing else, so every branch of them is tested.
PURE := redirection/accept_headers.py,redirection/decisions.py,redirection/request_classes.py,redirection/deep_links.py,redirection/legacy_hosts.py,redirection/legacy_requests.py,redirection/link_parts.py,redirection/link_rule_queries.py,redirection/link_rules.py,redirection/link_templates.py,redirection/memories.py,redirection/roles.py,redirection/routes.py,redirection/rule_problems.py,redirection/rule_set_problems.py,redirection/rule_sets.py,redirection/set_cookies.py

help:
	echo "make demo [PORT=8000]          both portals and a stand-in for Entra ID on this machine"
	echo "make demo-reset                forget what the demo stored"
	echo "make test                      all tests, in a real browser and on PostgreSQL too"
	echo "make test-long [EXAMPLES=5000] the same questions asked far more often"
	echo "make mutants                   whether the tests notice mistakes in the rules; takes half an hour"
	echo "make lint                      style, types, migrations, deployment"
	echo "make bench                     what a decision costs beside what others cost, and how changes spread; into var/bench, too"
	echo "make wheel                     the app for other projects, in dist/"
	echo "make messages                  the texts of the code into the catalogues, and those compiled"

environment:
	.ci/environment

demo: environment
	exec $(BIN)/python -m portal.demo --port '$(PORT)'

demo-reset: environment
	$(BIN)/python -m portal.demo --reset

test: environment
	.ci/debian-packages chromium chromium-headless-shell postgresql gettext nginx caddy haproxy redis-server
	$(BIN)/pytest -q -n auto --cov --cov-report=
	$(BIN)/coverage report --include=$(PURE) --fail-under=100

test-long: environment
	.ci/debian-packages chromium chromium-headless-shell postgresql gettext curl nginx caddy haproxy redis-server
	.ci/third-party-portal
	EXAMPLES='$(EXAMPLES)' $(BIN)/pytest -q -n auto --timeout=1800 \
		--hypothesis-profile=long -m 'long or hypothesis'

# In a copy, mutants/; one at a time, since some tests have a database of their own.
mutants: environment
	rm -rf mutants
	nice $(BIN)/python -m mutmut run --max-children 1 >/dev/null
	$(BIN)/python -m mutmut results

lint: environment
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --quiet --check
	$(BIN)/mypy --no-error-summary
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemigrations --check --verbosity 0 \
		|| { echo "The models changed without a migration: manage.py makemigrations" >&2; exit 1; }
	env --ignore-environment PATH="$$PATH" ENV_FILE=/dev/null \
		SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))')" \
		REDIRECTION_CLOUDS='{"commercial": {"legacy": ["portal.example.com"], "destination": "https://security.example.com"}}' \
		ENTRA_CLIENT_ID=client-id ENTRA_CLIENT_SECRET=client-secret BEHIND_PROXY=on \
		EMAIL_URL=smtp+tls://mail.example.com:587 \
		$(BIN)/python manage.py check --deploy --fail-level WARNING >/dev/null
	echo "Style, types, migrations and deployment settings are in order."

bench: environment
	.ci/debian-packages nginx postgresql redis-server valgrind wrk
	$(BIN)/python -m benchmarks.peers
	$(BIN)/python -m benchmarks.instructions --rules 10 100000 --tenants 1000 1000000 \
		--json var/bench/instructions.json
	$(BIN)/python -m benchmarks.decision --json var/bench/decision.json
	$(BIN)/python -m benchmarks.in_process --json var/bench/in-process.json
	$(BIN)/python -m benchmarks.sockets --json var/bench/sockets.json
	$(BIN)/python -m benchmarks.link_rules --json var/bench/link-rules.json
	$(BIN)/python -m benchmarks.tenants --json var/bench/tenants.json
	$(BIN)/python -m benchmarks.spreading --json var/bench/spreading.json
	echo "Into docs/performance.md: $(BIN)/python -m benchmarks.report"

messages: environment
	.ci/debian-packages gettext
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemessages --verbosity 0
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py compilemessages --verbosity 0 \
		--ignore '.*'

# What an earlier build left would come along, and the wheel of an older version stay.
wheel: environment
	rm -rf build dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-index \
		--no-build-isolation --wheel-dir dist .
	ls dist/*.whl
