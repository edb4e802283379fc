# `make demo` and `make test` are all that a fresh machine with Python 3.11+ needs.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo models test check clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: install
	$(BIN)/solidmark demo runs/demo

models: install
	$(BIN)/python benchmarks/models.py runs/models

check: install
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/pytest -n 2 --dist worksteal

clean:
	rm -rf .venv runs build src/*.egg-info
