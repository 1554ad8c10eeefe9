# Needs Python 3.11+, git, make, and Docker or npm. Everything else is set up here, in .venv.

PYTHON ?=
WORKERS ?= auto --maxprocesses 4
BIN := .venv/bin
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip --disable-pip-version-check --quiet

# Each command would read its own sources anew, and so would each of the thousand that the tests start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo quick test golden lint bench starter-long prove-long cells-long odd-long seeds-long kills-long audit-kills-long serve-kills-long pdp-moments-long clean

help:
	@echo "make setup   install policyloop into .venv"
	@echo "make demo    a recorded model repairs broken policies, judged by the real compiler; needs no key"
	@echo "make quick   the tests that need no compiler, no Docker, no Claude Code and no browser; takes a minute and a half"
	@echo "make test    lint, then all tests"
	@echo "make golden  write anew what fixtures/ recorded of the compiler and the lock; read the difference"
	@echo "make lint    ruff, mypy, import-linter"
	@echo "make bench   speed, memory and tokens as ratios"
	@echo "make starter-long the starter bundle written again by the loop, linted and mutated; takes minutes"
	@echo "make prove-long   hold proofs against requests, for 2,000 random pairs of policies; takes ten minutes"
	@echo "make cells-long   hold the cells of a review's matrix against 200,000 requests"
	@echo "make odd-long   hold what is called proved, always or never against requests, for 2,000 odd pairs of bundles; takes hours"
	@echo "make seeds-long   lint and mutate every bundle in fixtures with ten seeds; takes a quarter of an hour"
	@echo "make kills-long   kill runs at 102 points of their life; takes five minutes"
	@echo "make audit-kills-long   kill the writer of an audit log at 100 moments, in both stores; takes five minutes"
	@echo "make serve-kills-long   kill the decision point at 100 moments, and what it needs at 50; takes twenty minutes"
	@echo "make pdp-moments-long   kill, hang and slow the decision point's PDP at 51 moments; takes three minutes"
	@echo "make clean   remove .venv and everything built"

setup: .venv/.package

demo: .venv/.package
	@$(BIN)/policyloop doctor --install >/dev/null
	@$(BIN)/policyloop demo

quick: .venv/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --quick

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

golden: .venv/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m golden --regenerate

lint: .venv/.dev
	$(BIN)/ruff check loop tests skill
	$(BIN)/ruff format --check loop tests skill
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.dev
	$(BIN)/python tests/bench.py

starter-long: .venv/.dev
	POLICYLOOP_STARTER=1 $(BIN)/python -m pytest -n $(WORKERS) tests/test_starter.py

prove-long: .venv/.dev
	POLICYLOOP_PAIRS=2000 POLICYLOOP_NUMBER_PAIRS=480 $(BIN)/python -m pytest -n $(WORKERS) tests/test_access_prove_random.py tests/test_access_prove_odd.py tests/test_access_coverage.py tests/test_access_prove_numbers.py

cells-long: .venv/.dev
	POLICYLOOP_CELL_REQUESTS=200000 $(BIN)/python -m pytest -n $(WORKERS) tests/test_access_matrix.py

odd-long: .venv/.dev
	POLICYLOOP_ODD=2000 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests/test_said_is_so.py

seeds-long: .venv/.dev
	POLICYLOOP_SEEDS=10 $(BIN)/python -m pytest -n $(WORKERS) tests/test_holes_same.py

kills-long: .venv/.dev
	POLICYLOOP_KILLS=102 $(BIN)/python -m pytest -n $(WORKERS) tests/test_kill.py

audit-kills-long: .venv/.dev
	POLICYLOOP_AUDIT_KILLS=100 $(BIN)/python -m pytest -n $(WORKERS) tests/test_audit_kill.py

serve-kills-long: .venv/.dev
	POLICYLOOP_SERVE_KILLS=100 POLICYLOOP_SERVE_OUTAGES=10 $(BIN)/python -m pytest -n $(WORKERS) tests/test_serve_outage.py

pdp-moments-long: .venv/.dev
	POLICYLOOP_PDP_MOMENTS=51 $(BIN)/python -m pytest -n $(WORKERS) tests/test_pdp_moments.py

clean:
	rm -rf .venv build dist loop/policyloop.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find loop tests prompts skill fixtures -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.made:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "policyloop needs Python 3.11 or newer. Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	if ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$found has no venv module. Install it (Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; \
	fi; \
	rm -rf .venv && $$found -m venv .venv
	@touch $@

.venv/.package: .venv/.made pyproject.toml constraints.txt
	@echo "Installing policyloop into .venv ..."
	@$(PIP) install -c constraints.txt -e .
	@touch $@

.venv/.dev: .venv/.package
	@echo "Installing what lint and tests need ..."
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install -c constraints.txt --group dev
	@touch $@
