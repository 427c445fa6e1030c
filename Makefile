PY ?= python
.PHONY: install build debug release lint types layers test check
install: ; $(PY) -m pip install -q --no-build-isolation -e '.[eda]'
build: ; $(PY) setup.py -q build_ext --inplace -j2
debug: ; DA4ML_CYTHON_DEBUG=1 $(PY) setup.py -q build_ext --inplace --force
release: ; $(PY) setup.py -q build_ext --inplace --force -j2
lint: ; ruff check . && ruff format --check . && cython-lint core
types: ; mypy
layers: ; lint-imports
test: ; $(PY) -m pytest -q -n 2
check: lint types layers test
