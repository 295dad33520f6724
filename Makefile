PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check fuzz audit serve models clean train-reader train-neutral train-answer-map
.DEFAULT_GOAL := demo

demo: $(STAMP)  ## Ingest the sample corpus and ask it in three languages
	@sh examples/demo.sh

test: $(STAMP)  ## Run all tests
	@echo "== preparing the default model"
	@$(BIN)/quoth models --prepare
	@echo "== running the tests"
	@$(BIN)/pytest

check: $(STAMP) audit  ## Style, types and known vulnerabilities
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

fuzz: $(STAMP)  ## Thousands of odd requests to every route (some minutes)
	@$(BIN)/python -m tests.fuzz

audit: $(STAMP)  ## Ask PyPI for known vulnerabilities of the pinned packages, where it can be reached
	@# A mirror may know packages and no vulnerabilities: an old one with known ones tells.
	@if $(BIN)/python -c "import json, urllib.request as u; assert json.load(u.urlopen('https://pypi.org/pypi/jinja2/2.4.1/json', timeout=5))['vulnerabilities']" 2>/dev/null; then \
	  $(BIN)/pip install --quiet --disable-pip-version-check 'pip-audit==2.10.1' && \
	  $(BIN)/pip-audit --disable-pip --no-deps --requirement constraints.txt; \
	else echo "== PyPI's list of vulnerabilities cannot be reached: the packages are not audited"; fi

# DATA is the folder with qa-train/, ntrex.jsonl.gz and tatoeba.jsonl.gz; WORK keeps checkpoints.
DATA ?= data
WORK ?= work
train-reader: $(STAMP)  ## Train the reader anew (hours), and calibrate it
	$(BIN)/python -m training.train_reader --data $(DATA) --work $(WORK)/first --minutes 180
	$(BIN)/python -m training.train_reader --data $(DATA) --work $(WORK)/second --minutes 90 --share 0.2 --start $(WORK)/first/reader
	$(BIN)/python -m training.calibrate_reader --data $(DATA)

train-neutral: $(STAMP)  ## Fit the language-neutral map anew
	$(BIN)/python -m training.fit_neutral --ntrex $(DATA)/ntrex.jsonl.gz

train-answer-map: $(STAMP)  ## Train the answer map of the sentence reader anew
	$(BIN)/python -m training.train_answer_map --data $(DATA)/qa-train

serve: $(STAMP)  ## Run the HTTP service on the sample corpus's data folder
	@$(BIN)/quoth serve

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Quoth needs Python 3.11: install it, or set PYTHON=..."; exit 1; }
	@echo "== creating the environment in $(VENV) (a few minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "== installing the pinned packages"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]' 2>&1 | { grep -v "^WARNING: Location" || true; }
	@$(BIN)/python -c "import api.cli"
	@touch $@

clean:  ## Remove the environment
	rm -rf $(VENV)
