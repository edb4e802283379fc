# `make demo` and `make test` are all that a fresh machine with Python 3.11+ needs.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo models test faults hostile bench check docs dist clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: install
	$(BIN)/solidmark demo runs/demo

models: .venv/pictures
	$(BIN)/python benchmarks/models.py runs/models

.venv/pictures: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[land]'
	touch $@

check: install
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/pytest -n 2 --dist worksteal

# Kills, damage, full disks, pairs of runs; its page is benchmarks/faults.md. Minutes; no test.
faults: install
	$(BIN)/python -m tests.faults

# Bad files and folders, made here, and what every command says of them: benchmarks/hostile.md.
hostile: install
	$(BIN)/python -m tests.hostile

# What every stage costs, and what others do for the same: benchmarks/bench.md. Minutes; no test.
bench: install
	$(BIN)/python benchmarks/bench.py runs/bench > runs/bench.md

# The documents as a site: site/index.html. Its pages load nothing from elsewhere.
docs: .venv/documents
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

.venv/documents: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

# Wheel and sdist in dist/, and the wheel tried in a fresh virtual environment.
dist: install
	$(BIN)/python -m tests.dist dist

clean:
	rm -rf .venv runs build dist site src/*.egg-info
