# Vivid Flow. A machine with python3 (3.11 or newer), make and git needs nothing else: every target prepares .venv itself.

PYTHON ?= python3
ROUNDS ?= 60
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo run test check crash bench lock clean runtime dev

help:  ## Show this list
	@awk -F ':.*##' '/^[a-z]+:.*##/ { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: runtime  ## Start the server, make one video through the API, print where it is (DEMO_EXIT=1: then stop)
	@.venv/bin/python scripts/demo.py

run: runtime  ## Serve the studio and the API on HOST:PORT (127.0.0.1:8000)
	@.venv/bin/python web_app.py

setup: dev  ## Only prepare .venv, which every other target does by itself

test: dev check  ## Lint, types and every test with the coverage gates (ARGS="-k name": only those tests, no gates)
	@.venv/bin/python scripts/test.py $(ARGS)

check: dev  ## Lint, formatting and types
	@.venv/bin/python -m ruff check .
	@.venv/bin/python -m ruff format --check .
	@.venv/bin/python -m pyright

crash: dev  ## Kill the server and the worker again and again, then count jobs and payments (ROUNDS=60)
	@.venv/bin/python -m tests.crash.rounds --rounds $(ROUNDS)

bench: dev  ## Measure speed (ARGS names single benchmarks)
	@.venv/bin/python -m benchmarks $(ARGS)

lock: dev  ## Write the hashed locks anew (ARGS=--upgrade: with the newest versions allowed)
	@ARGS="$(ARGS)" scripts/lock.sh

clean:  ## Remove .venv and every cache; data/ and .env stay
	@rm -rf .venv .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime:
	@cmp -s requirements.txt .venv/.installed-runtime.txt && test -x .venv/bin/python || $(PYTHON) scripts/setup.py runtime

dev:
	@cmp -s requirements-dev.txt .venv/.installed-dev.txt && test -x .venv/bin/python || $(PYTHON) scripts/setup.py dev
