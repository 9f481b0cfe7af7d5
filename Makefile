# `make run` and `make test` need only Python 3.11+, pip and make; everything else is installed into .venv.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DB ?= data/offscript.duckdb

# uv finds a wheel folder only through its own variable; elsewhere it takes PyTorch's CPU builds.
ifneq ($(wildcard $(PIP_FIND_LINKS)/.),)
export UV_FIND_LINKS := $(PIP_FIND_LINKS)
TORCH_FROM :=
else
TORCH_FROM := --torch-backend=cpu
endif
export UV_COMPILE_BYTECODE := 1

.PHONY: env run dashboard serve test proof workers lint train bench simulate crash fuzz fuzz-guided soak audit lock clean
.DEFAULT_GOAL := run

env: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Offscript needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip install --quiet torch==2.13.0 $(TORCH_FROM)
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip install --quiet --no-deps -e .
	touch $@

run: $(STAMP)
	$(BIN)/offscript run --sample --db $(DB)

dashboard: $(STAMP)
	$(BIN)/offscript dashboard --db $(DB)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(STAMP) lint
	$(BIN)/pytest -n auto --dist loadfile

# The collectors against real servers on loopback: Bluesky's own and a Mastodon, fetched into .proof (minutes, 0.9 GB);
# and a lake whose files are objects, against moto.
# A part that cannot be had is named and its proof skipped. OFFSCRIPT_PROOF_TABLE=docs/proof.md writes the page.
proof: $(STAMP)
	-$(BIN)/python -m tests.proof.parts
	$(BIN)/pytest -m proof tests/proof

# A Prefect server on PostgreSQL, three workers, two sources, one worker killed: nothing lost, nothing twice.
workers: $(STAMP)
	$(BIN)/pytest -m workers tests/flows/test_workers.py

# Fits the instrument on labelled texts and writes the artefact with its card:
#   make train GOLD="real.jsonl own_words.jsonl" POOLS="posts1.jsonl.gz posts2.jsonl.gz"
train: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/offscript train $(GOLD) --labels classifiers/gold $(addprefix --pool ,$(POOLS))
	OMP_NUM_THREADS=1 $(BIN)/python -m classifiers.linking.card

# Every stage against what one would otherwise do; writes bench/results.json and docs/bench.md. PARTS="link publish" for some.
bench: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.bench $(PARTS)
	$(BIN)/python -m tests.bench.scale

serve: $(STAMP)
	$(BIN)/offscript serve --db $(DB)

# Kills the pipeline at 200 seeded points and resumes it; writes docs/crash.md.
crash: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.crash --points 200 --out docs/crash.md

# 10,000 cases for each parser of outside data.
fuzz: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz --cases 10000

# The same parsers, led by which of their branches are reached (atheris: Linux; what it found stays in .fuzz).
fuzz-guided: $(STAMP)
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip install --quiet 'atheris>=3,<4'
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.guided --runs 20000

# Three days at 216 times speed, with faults and readers; writes docs/soak.md.
soak: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.soak --minutes 20

# Known faults of the dependencies, bandit's rules, licences (docs/licences.md). Exit 3: a part could not be checked;
# without the network the faults are read from a copy of the OSV database: make audit OSV=all.zip
audit: $(STAMP)
	$(BIN)/python -m tests.audit $(if $(OSV),--osv $(OSV))

# Do the intervals hold their 95 %, and is a planted rise recovered? Writes docs/simulation.md; an hour or so.
simulate: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.simulation

lock: $(STAMP)
	echo 'torch ; sys_platform == "never"' > $(VENV)/no-torch.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	    --override $(VENV)/no-torch.txt --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) .proof .fuzz data .mypy_cache .ruff_cache .pytest_cache
