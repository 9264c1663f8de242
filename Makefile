# make demo    two int8 models, converted and compared with the originals
# make test    lint, types and all tests; those that need a GPU run where there is one
# make test-oldest   tests with the oldest packages that pyproject.toml allows; part of make test
# make lint    ruff, mypy and clang-format
#
# Each makes .venv and installs into it what it needs, once, and again only what has changed.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

GPU := $(shell command -v nvidia-smi || ls /dev/nvidia0 2>/dev/null)
COMMA := ,
EXTRAS := dev$(if $(GPU),$(COMMA)gpu)

BUILT := pyproject.toml CMakeLists.txt $(shell find csrc custom_ops converter qudnn \
	-name '*.py' -o -name '*.pyi' -o -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' -o -name '*.cmake' -o -name CMakeLists.txt)
FORMATTED := $(shell find csrc benchmarks -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh')

.PHONY: demo test test-oldest lint format clean

demo: .venv/installed
	$(BIN)/python examples/demo.py

test: lint .venv-onnxruntime/made
	$(BIN)/python -P -m pytest
	$(MAKE) --no-print-directory test-oldest

test-oldest: .venv/installed
	PYTHONPATH=tests $(BIN)/python -P tests/versions/oldest.py

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(FORMATTED)

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(FORMATTED)

# What builds the package lies in .venv, not in a fresh environment for each build, so that a second
# build finds its compiler where the first one did and compiles only what has changed.
.venv/installed: .venv/builder $(BUILT)
	$(PIP) install --no-build-isolation '.[$(EXTRAS)]'
	@touch $@

# Old and new versions of onnxruntime, for tests/test_versions.py; where their wheels cannot be had, it says so.
.venv-onnxruntime/made: tests/versions/environments.py | .venv/installed
	-$(BIN)/python -P tests/versions/environments.py --tested && touch $@

.venv/builder: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(PIP) install --upgrade pip
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' > .venv/builder.txt
	$(PIP) install -r .venv/builder.txt
	@touch $@

clean:
	rm -rf .venv .venv-onnxruntime build
