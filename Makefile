# `make demo` and `make test` set up all they need in .venv; the other targets work in an environment of your own.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KERNELS := $(shell find core -name '*.pyx' -o -name '*.pxd' -o -name '*.hh')

.PHONY: demo test test-slow prove build debug release lint types layers check clean

demo: $(VENV)/.ready
	$(BIN)/da4ml-flow build configs/digits/digits.yaml

test: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -q -n 2

test-slow: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -q -n 2 --run-slow

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade 'pip>=25.1'

$(VENV)/.ready: $(BIN)/python pyproject.toml setup.py $(KERNELS)
	$(BIN)/python -m pip install -q -e '.[eda]'
	touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	$(BIN)/python -m pip install -q --group dev
	touch $@

prove: ; $(PYTHON) tests/primitive_proofs.py

build: ; $(PYTHON) setup.py -q build_ext --inplace -j2
debug: ; DA4ML_CYTHON_DEBUG=1 $(PYTHON) setup.py -q build_ext --inplace --force
release: ; $(PYTHON) setup.py -q build_ext --inplace --force -j2
lint: ; ruff check . && ruff format --check . && cython-lint core
types: ; mypy
layers: ; lint-imports
check: lint types layers
clean: ; rm -rf $(VENV) build dist *.egg-info
