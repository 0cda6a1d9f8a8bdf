# Two commands for a newcomer: make run, make test. Each says what it does.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PATHS := $(CURDIR)/$(BIN):$(PATH)
NODE_MODULES := frontend/client/node_modules/.package-lock.json

.PHONY: help run test test-unit test-dates fuzz mutation check format client requirements bench bench-peers compiler

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# Where `make run` serves. honcho counts PORT on for each process, so the proxy's has a second name.
PORT ?= 8000
SANDBOX_PORT ?= 9000
run: export PORT := $(PORT)
run: export PROXY_PORT := $(PORT)
run: export SANDBOX_PORT := $(SANDBOX_PORT)
run: $(VENV)/runs ## the proxy, a sandbox that plays Videsk, and a booking page; Ctrl-C ends all
	@$(BIN)/python ops/check_ports.py "$$PORT" "$$SANDBOX_PORT"
	@echo "booking page  http://127.0.0.1:$$SANDBOX_PORT/demo/              <- open this one"
	@echo "videsk-proxy  http://127.0.0.1:$$PORT/api/docs"
	@echo "sandbox       http://127.0.0.1:$$SANDBOX_PORT/__sandbox__/keys   (plays Videsk)"
	@trap : INT; PATH="$(PATHS)" honcho --no-colour --env .env.sandbox --procfile Procfile.dev start \
		|| [ $$? = 130 ] # Ctrl-C is how it ends

# Much of a test in tests/e2e is waiting, so more processes than cores are faster.
PROCESSES := 4

# tests/unit/__init__.py has the profiles.
test test-dates mutation: export HYPOTHESIS_PROFILE := thorough

TOOLS := $(BIN)/redis-server $(BIN)/chromium $(BIN)/curl $(NODE_MODULES) compiler

test: check $(TOOLS) ## lint, types, and every test against a real Redis server
	@echo "== tests"
	@PATH="$(PATHS)" python -m pytest -m "not flaky" -n $(PROCESSES) --dist loadfile
	@echo "== tests whose timing other tests would disturb"
	@PATH="$(PATHS)" python -m pytest -m flaky
	@PATH="$(PATHS)" python -m tests.other_days --changes

test-unit: $(VENV)/installed ## tests of single modules, in seconds; no Redis, no gunicorn, no browser
	@PATH="$(PATHS)" python -m pytest tests/unit -m "not flaky" -n auto --dist loadfile

test-dates: $(VENV)/installed $(TOOLS) ## what depends on the date, on twelve other days; some minutes
	@PATH="$(PATHS)" python -m tests.other_days

fuzz: $(BIN)/redis-server ## a hundred thousand cases against every route; some minutes
	@PATH="$(PATHS)" FUZZ_CASES=100000 python -m pytest tests/e2e/test_fuzz.py --timeout=3600

# [tool.mutmut] in pyproject.toml says which modules, and which tests. It goes on where it was broken off.
mutation: $(VENV)/mutates $(BIN)/redis-server ## change the rules bit by bit: tests must notice 90 % of it; some ten minutes
	@PATH="$(PATHS)" mutmut run
	@PATH="$(PATHS)" mutmut results
	@PATH="$(PATHS)" mutmut export-cicd-stats >/dev/null
	@$(BIN)/python -c 'import json; of = json.load(open("mutants/mutmut-cicd-stats.json")); \
		noticed = of["killed"] + of["timeout"]; print(noticed, "of", of["total"], "were noticed"); \
		raise SystemExit(noticed < 0.9 * of["total"])'

check: $(VENV)/installed ## lint, format, types and the house's own rules of import
	@echo "== lint, format, types, imports"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(VENV)/installed ## put the code in order
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

client: $(VENV)/installed $(NODE_MODULES) ## the TypeScript client: types from the OpenAPI document, JavaScript from both
	@PATH="$(PATHS)" npm run --silent --prefix frontend/client types
	@npm run --silent --prefix frontend/client build

# One file for every Python from 3.11 on, by markers. UPGRADE= keeps the pins: after a change of a .in
UPGRADE := --upgrade
requirements: $(VENV)/installed ## pin today's releases and their hashes in each requirements file
	@for name in requirements requirements-sandbox requirements-dev requirements-mutation bench/peers/fastapi; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(UPGRADE) \
			--custom-compile-command "make requirements" $$name.in --output-file $$name.txt || exit; done

bench: $(BIN)/redis-server ## the figures of the README, measured here
	@PATH="$(PATHS)" python -m bench

bench-peers: $(BIN)/redis-server ## the same beside nginx, Varnish, Express, Fastify, FastAPI and others; some 25 minutes
	@PATH="$(PATHS)" python -m bench.peers
	@PATH="$(PATHS)" python -m bench peers peers-startup peers-crowds peers-stalled peers-trace

# What `make run` needs: little, so that a newcomer waits little.
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes
$(VENV)/runs: requirements.txt requirements-sandbox.txt
	@echo "== installing into $(VENV)"
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@python3 -c 'import ensurepip' 2>/dev/null || ops/bring.sh python3-venv
	@python3 -m venv $(VENV)
	@$(PIP) -r requirements.txt -r requirements-sandbox.txt
	@touch $@

$(VENV)/installed: $(VENV)/runs requirements-dev.txt
	@echo "== installing what the tests and checks need"
	@$(PIP) -r requirements.txt -r requirements-dev.txt
	@touch $@

$(VENV)/mutates: $(VENV)/installed requirements-mutation.txt
	@echo "== installing what the mutation run needs"
	@$(PIP) -r requirements-mutation.txt
	@touch $@

# redis-tools starts no service; its redis-check-rdb is the server under the name redis-server.
$(BIN)/redis-server: | $(VENV)/installed
	@test -x /usr/bin/redis-server || test -x /usr/bin/redis-check-rdb || ops/bring.sh redis-tools
	@ln -sf "$$(ls /usr/bin/redis-server 2>/dev/null || echo /usr/bin/redis-check-rdb)" $@

# The tests paste README.md's commands into a shell.
$(BIN)/curl: | $(VENV)/installed
	@command -v curl >/dev/null || ops/bring.sh curl
	@ln -sf "$$(command -v curl)" $@

# For the clock of other days. Without one, tests/other_days.py says that it did not run.
compiler:
	@command -v cc >/dev/null || ops/bring.sh gcc libc6-dev || echo "== no C compiler could be brought"

# The machine's own browser, else Debian's. Without any, the tests in a browser say that they did not run.
BROWSER := command -v chromium chromium-browser google-chrome
$(BIN)/chromium: | $(VENV)/installed
	@$(BROWSER) >/dev/null || ops/bring.sh chromium || echo "== no browser could be brought"
	@found="$$($(BROWSER) | head -n 1)"; test -z "$$found" || ln -sf "$$found" $@

# The machine's own Node.js, else Debian's. Without it, the tests of the client say that they did not run.
$(NODE_MODULES): frontend/client/package-lock.json
	@command -v npm >/dev/null || ops/bring.sh nodejs npm || echo "== no npm could be brought"
	@! command -v npm >/dev/null || { echo "== installing what builds the client"; \
		npm ci --prefix frontend/client --prefer-offline --loglevel=error --no-audit --no-fund >/dev/null && touch $@; } \
		|| echo "== it could not be installed"
