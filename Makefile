# setup: everything needed, idempotent · run: setup, then the application (without a terminal: a guided dump and
# restore of the lab connection, as a report) · test: all that must hold · check: the quick part of it · bench: measured
# beside the usual tools · soak: ROUNDS (20) of the main scenarios, many migrations, every half killed at every stage
# (needs sshd, podman and a static busybox besides) · fuzz: SECONDS_EACH (60) of hostile bytes for each reader, or for
# READERS · docs: the pages of all checks

.PHONY: setup run test check contract e2e bench soak fuzz docs lock clean
PYTHON := .venv/bin/python

setup:
	@./setup.sh

run: setup
	@if [ -t 0 ] && [ -t 1 ]; then .venv/bin/workbench --lab established; else .venv/bin/workbench lab run established; fi

test: check contract e2e

check: setup
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTHON) -m pytest -q -n auto tests/unit

contract: setup
	$(PYTHON) -m pytest -q -n auto tests/contract
	$(PYTHON) -m pytest -q tests/tui

e2e:
	@./setup.sh tests
	$(PYTHON) -m pytest -q tests/e2e

bench: setup
	$(PYTHON) -m pytest -q -s tests/bench

soak: setup
	@for round in $$(seq $${ROUNDS:-20}); do \
	  for name in established established-v6 loopback unread-data unsent-data many-connections; do \
	    .venv/bin/workbench lab run $$name >/dev/null || exit 1; \
	  done; \
	  echo "round $$round: every connection went on"; \
	done
	$(PYTHON) -m pytest -q tests/soak
	HANDOFFS=$${HANDOFFS:-1000} $(PYTHON) -m pytest -q -s tests/bench/test_handoff.py -k many_in_a_row

fuzz: setup
	nice -n 19 $(PYTHON) tests/fuzz/run.py $${SECONDS_EACH:-60} $${READERS:-}

docs: setup
	$(PYTHON) -m workbench.checking.pages docs/checks

lock:
	.build/uv/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .build
