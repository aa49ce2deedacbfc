# `make demo` sets up .venv and runs the main job; `make test` sets up and runs every test.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.11 python3 python; do $$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && echo $$p && break; done)
READY := $(VENV)/ready

.PHONY: setup demo test test-arm

setup: $(READY)

# torch comes first and by exact version: a range may bring a build with several GB of CUDA libraries.
$(READY): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 was not found (PASEOS 0.2.1 allows no later one); install it or run: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)
	rm -rf runs/first_light
	$(BIN)/orbitfl run constellations/first_light.yaml --out runs/first_light

test: $(READY)
	$(BIN)/python -m pytest

# The board's runtime on emulated 64-bit ARM against this machine; downloads some 200 MB into build/arm and takes minutes.
SCENE ?= build/arm/scenes/images/synthetic_00000.tif
test-arm: $(READY)
	rm -rf build/arm/fp32* build/arm/int8* build/arm/scenes
	$(BIN)/orbitfl data synth --out build/arm/scenes --scenes 1 --size-px 320 --seed 1
	$(BIN)/orbitfl export nano-base --image-px 128 --out build/arm/fp32
	$(BIN)/orbitfl export nano-base --image-px 128 --quantize int8 --out build/arm/int8
	hw/emulation/draw.sh $(BIN)/python build/arm build/arm/fp32 $(SCENE)
	hw/emulation/draw.sh $(BIN)/python build/arm build/arm/int8 $(SCENE)
