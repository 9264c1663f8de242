# make demo    two int8 models, converted and compared with the originals: with what is built, or a wheel in dist/,
#              or a build for the GPU at hand; where there is none, for the generation that compiles fastest
# make test    lint, types and all tests; those that need a GPU run where there is one. What CI runs: in a fresh
#              tree it builds for all generations, once, makes the wheel of that and tries it
# make wheel   a wheel for every Linux with glibc 2.28 and every Python, in dist/, checked and tried in an
#              environment without a compiler; for all generations, or those in QUDNN_CUDA_ARCHITECTURES
# make wheel-aarch64   the same for aarch64, compiled on x86-64 with Debian's g++-aarch64-linux-gnu, and not tried
# make test-oldest   tests with the oldest packages that pyproject.toml allows; part of make test
# make lint    ruff, mypy and clang-format
# make format  what they can mend
# make dev     to work on qudnn: the library for the GPU at hand only, and only what has changed of it
# make kernels       builds the benchmark of the kernels by themselves; part of make test
# make sanitize      the kernels under compute-sanitizer: memcheck and racecheck; needs a GPU
# make tidy          clang-tidy over the library's C++
# make docs          the site of docs/ in build/site; warnings are errors
#
# Each makes .venv and installs into it what it needs, once, and again only what has changed. The package is
# installed editable, so tests run on this tree and Python needs no second installation. After the first
# `make dev` all of them use its library; `make clean` ends that.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

GPU := $(shell command -v nvidia-smi || ls /dev/nvidia0 2>/dev/null)
COMMA := ,
# On a GPU tests time kernels, one at a time.
WORKERS := $(if $(GPU),,-n auto --maxprocesses 8 --dist worksteal)
EXTRAS := dev$(if $(GPU),$(COMMA)gpu)

GENERATION := $(shell nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d .)
DEV_ARCHITECTURES := $(or $(QUDNN_CUDA_ARCHITECTURES),$(or $(GENERATION),90)-real)
SITE = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')

BUILT := pyproject.toml CMakeLists.txt $(shell find csrc cmake -type f)
FORMATTED := $(shell find csrc benchmarks -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh')

ENVIRONMENT := $(if $(wildcard .venv/dev),dev,.venv/installed)
BUILD = $(if $(wildcard .venv/dev),build/dev,build/all)

PROGRESS = $(BIN)/python cmake/progress.py $(BIN)/python -m pip --disable-pip-version-check -v

PLATFORM := manylinux_2_28_x86_64
WHEEL = $(lastword $(sort $(wildcard dist/qudnn-*-py3-none-$(PLATFORM).whl)))
TRIED := build/tried
HERE := $(wildcard .venv/dev .venv/installed)
DEMO := $(if $(HERE),$(ENVIRONMENT),$(if $(WHEEL),$(TRIED)/made,$(if $(GPU),.venv/dev,.venv/demo)))

.PHONY: demo test wheel wheel-aarch64 test-oldest lint format dev kernels sanitize tidy docs clean

demo: $(DEMO)
	$(if $(filter $(TRIED)/made,$(DEMO)),$(TRIED),.venv)/bin/python examples/demo.py

# A library for one generation, as `make dev` has it, is no wheel to give away: then its wheel is not tested.
test: lint kernels $(if $(wildcard .venv/dev),,wheel) .venv-onnxruntime/made
	$(BIN)/python -P -m pytest $(WORKERS)
	$(MAKE) --no-print-directory test-oldest

test-oldest: $(ENVIRONMENT)
	PYTHONPATH=tests $(BIN)/python -P tests/versions/oldest.py

# After .venv/installed the compiled files are there, and only linked again.
wheel: .venv/builder | $(filter .venv/installed,$(HERE))
	$(PIP) install --group wheel
	rm -rf build/unchecked dist
	QUDNN_PORTABLE=ON $(PROGRESS) wheel --no-deps --no-build-isolation -C build-dir=build/all -w build/unchecked .
	PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/auditwheel repair --only-plat --plat $(PLATFORM) -w dist build/unchecked/*.whl
	$(BIN)/auditwheel show dist/*.whl
	rm -rf $(TRIED)
	$(MAKE) --no-print-directory $(TRIED)/made
	env -i HOME=$(CURDIR)/$(TRIED) PATH=$(CURDIR)/$(TRIED)/bin $(TRIED)/bin/python -P tests/installed.py
	$(BIN)/python -P tests/three_commands.py

# The CUDA runtime is the only package that has to be of the other machine. Of its GPUs those from Ampere on, and
# Jetson Thor (11.0).
AARCH64 := build/aarch64
wheel-aarch64: .venv/builder
	@command -v aarch64-linux-gnu-g++ > /dev/null || { echo 'install g++-aarch64-linux-gnu, which compiles for aarch64'; exit 1; }
	$(PIP) install --group wheel
	rm -rf $(AARCH64)/packages $(AARCH64)/unchecked
	grep '^nvidia-cuda-runtime' .venv/builder.txt | xargs $(PIP) install --no-compile --no-deps \
	  --target $(AARCH64)/packages --platform manylinux2014_aarch64 --only-binary=:all:
	_PYTHON_HOST_PLATFORM=linux-aarch64 QUDNN_PORTABLE=ON \
	  QUDNN_CUDA_ARCHITECTURES='$(or $(QUDNN_CUDA_ARCHITECTURES),80-real;90-real;100;110-real;120-real)' \
	  $(PROGRESS) wheel --no-deps --no-build-isolation -C build-dir=$(AARCH64)/build \
	  -C cmake.define.CMAKE_TOOLCHAIN_FILE=$(CURDIR)/cmake/aarch64.cmake \
	  -C cmake.define.QUDNN_PACKAGES=$(CURDIR)/$(AARCH64)/packages -w $(AARCH64)/unchecked .
	PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/auditwheel repair --only-plat --plat auto -w dist $(AARCH64)/unchecked/*.whl

# Nothing but Python and the wheel; scikit-learn has the demo's images.
$(TRIED)/made:
	$(PYTHON) -m venv $(TRIED)
	$(TRIED)/bin/python -m pip --disable-pip-version-check --quiet install '$(WHEEL)[cpu,quantize]' scikit-learn
	@touch $@

lint: $(ENVIRONMENT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(FORMATTED)

format: $(ENVIRONMENT)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(FORMATTED)

kernels: $(ENVIRONMENT)
	$(BIN)/cmake --build $(BUILD) --target kernel_benchmark

sanitize: kernels
	$(PIP) install 'nvidia-cuda-sanitizer-api==13.0.*'
	PYTHONPATH=tests $(BIN)/python -P tests/sanitize.py $(BUILD)/kernel_benchmark

# Its answers are those of the headers that the last build has found.
tidy: $(ENVIRONMENT)
	$(BIN)/run-clang-tidy.py -quiet -p $(BUILD) -clang-tidy-binary $(BIN)/clang-tidy '/csrc/.*\.cpp$$|/Unity/.*cxx$$'

docs: $(ENVIRONMENT)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

dev: .venv/dev
	@$(BIN)/cmake --build build/dev
	@$(BIN)/cmake --install build/dev --prefix $(SITE) > build/dev/installed.txt

# The demo's onnxruntime shares a folder with onnxruntime-gpu.
.venv/dev: .venv/builder pyproject.toml
	@rm -f .venv/installed
	$(if $(wildcard .venv/demo),@$(PIP) uninstall -y onnxruntime && rm .venv/demo)
	QUDNN_CUDA_ARCHITECTURES='$(DEV_ARCHITECTURES)' $(PROGRESS) install --no-build-isolation -C build-dir=build/dev -e '.[$(EXTRAS)]'
	@touch $@

# Where there is no GPU no kernel runs, and for Turing many are empty. Nothing but the demo uses this build, whose
# C++ is compiled in half the time with -O1.
.venv/demo: .venv/compilers $(BUILT)
	QUDNN_CUDA_ARCHITECTURES=75-real $(PROGRESS) install --no-compile --no-build-isolation -C build-dir=build/demo \
	  -C cmake.define.QUDNN_TESTING=OFF -C cmake.define.CMAKE_CXX_FLAGS_RELEASE='-O1 -DNDEBUG' \
	  -C cmake.define.CMAKE_CUDA_FLAGS_RELEASE='-O1 -DNDEBUG' -e '.[cpu,quantize]' onnxscript scikit-learn
	@touch $@

# What builds the package lies in .venv, not in a fresh environment for each build, so that a second
# build finds its compiler where the first one did and compiles only what has changed.
.venv/installed: .venv/builder $(BUILT)
	$(if $(wildcard .venv/demo),@$(PIP) uninstall -y onnxruntime && rm .venv/demo)
	$(PROGRESS) install --no-build-isolation -C build-dir=build/all -e '.[$(EXTRAS)]'
	@touch $@

# Old and new versions of onnxruntime, for tests/test_versions.py; where their wheels cannot be had, it says so.
.venv-onnxruntime/made: tests/versions/environments.py | $(ENVIRONMENT)
	-$(BIN)/python -P tests/versions/environments.py --tested && touch $@

.venv/builder: .venv/compilers
	$(PIP) install --no-compile -r .venv/builder.txt
	@touch $@

# All that compiling takes. Of cuDNN only its headers: the libraries that its package asks for are half of all, and
# come with .venv/builder. Python compiles modules when they are first imported: most never are.
.venv/compilers: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(PIP) install --upgrade pip
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' > .venv/builder.txt
	grep '^nvidia-' .venv/builder.txt | xargs $(PIP) install --no-compile --no-deps
	grep -v -e '^nvidia-' -e '^onnxscript' .venv/builder.txt | xargs $(PIP) install --no-compile
	@touch $@

clean:
	rm -rf .venv .venv-onnxruntime build dist
