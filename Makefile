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

bench:  ## all of benchmarks/results.md. DATA: judged sets, LABELLED: labelled sets, MODEL: the unquantised model, WORK: what is kept between runs
	$(PYTHON) benchmarks/encoder.py --data $(DATA) --model $(MODEL)
	$(PYTHON) benchmarks/ingest.py
	$(PYTHON) benchmarks/search.py
	$(PYTHON) benchmarks/install.py
	$(PYTHON) benchmarks/cleaning.py --data $(DATA)
	$(PYTHON) benchmarks/routing.py --data $(LABELLED) --work $(WORK)
	$(PYTHON) benchmarks/explore.py --data $(LABELLED) --judged $(DATA) --work $(WORK)
	for script in quality fusion relevance languages answers servers; do $(PYTHON) benchmarks/$$script.py --data $(DATA) --work $(WORK) || exit 1; done
	$(PYTHON) tools/train_maxsim.py $(WORK) --data $(DATA) --work $(WORK)
	$(PYTHON) benchmarks/rerank.py --data $(DATA) --work $(WORK)
