# `make demo` sets up .venv and runs the main job; `make test` sets up and runs every test.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.11 python3 python; do $$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && echo $$p && break; done)
READY := $(VENV)/ready

.PHONY: setup demo test test-arm docs

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

# By stealing, most tests of a file stay together, and what they share is set up once.
test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal

# The documentation as a site, build/site/index.html; in an environment of its own, since it needs nothing of orbitfl's.
docs: build/docs/ready
	build/docs/bin/mkdocs build --strict --quiet --site-dir build/site

build/docs/ready: docs/requirements.txt
	$(PYTHON) -m venv build/docs
	build/docs/bin/python -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	@touch $@

# The board's runtime on emulated 64-bit ARM and Zen 1 against this machine: a short run, then one scene each in float32
# and int8. Downloads some 200 MB into build/arm; a few minutes.
ARM := build/arm
SCENE ?= $(ARM)/scenes/images/synthetic_00000.tif
test-arm: $(READY)
	rm -rf $(ARM)/run $(ARM)/fp32* $(ARM)/int8* $(ARM)/scenes
	$(BIN)/orbitfl data synth --out $(ARM)/scenes --scenes 1 --size-px 320 --seed 1
	$(BIN)/orbitfl run constellations/first_light.yaml --out $(ARM)/run --set "exchange.controls=[]" --set model.image_px=128 --set duration_s=7200
	$(BIN)/orbitfl export $(ARM)/run --out $(ARM)/fp32
	$(BIN)/orbitfl export $(ARM)/run --out $(ARM)/int8 --quantize int8
	hw/emulation/draw.sh $(BIN)/python $(ARM) $(ARM)/fp32 $(SCENE) n1
	hw/emulation/draw.sh $(BIN)/python $(ARM) $(ARM)/int8 $(SCENE) n1
	hw/emulation/draw.sh $(BIN)/python $(ARM) $(ARM)/int8 $(SCENE) zen1
