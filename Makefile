# What developers type and CI calls. PYTHON is the interpreter of an environment with the package installed: pip install -e '.[dev]'
PYTHON ?= python

.PHONY: check test-fast test bench

check:  ## formatting, lint and types
	$(PYTHON) -m ruff format --check src tests benchmarks tools
	$(PYTHON) -m ruff check src tests benchmarks tools
	$(PYTHON) -m mypy

test-fast:  ## for each edit: no servers, no long runs
	$(PYTHON) -m pytest -n auto --dist loadgroup -m "not slow and not servers"

test: check  ## everything
	$(PYTHON) -m pytest -n auto --dist loadgroup

bench:  ## numbers for benchmarks/results.md; DATA is a folder of data sets (see benchmarks/README.md)
	$(PYTHON) benchmarks/run.py --data $(DATA)
