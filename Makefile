# Everything a person types. `make demo` and `make test` set up what they need in .venv, with plain pip.
SHELL := /bin/bash
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

TORCH       := 2.13.0
TORCH_INDEX := https://download.pytorch.org/whl/cpu
# On a machine with an NVIDIA GPU the set-up takes the GPU build of vLLM.
DEVICE ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)

.PHONY: demo test mutate check fix build site gpu engine-facts clean help
help:
	@echo "make demo   install, plan Scout at 1M tokens on eight H100s, prove the plan on a served miniature"
	@echo "make test   install and run every test"
	@echo "make mutate break each dangerous line in a copy, and see a test fail"
	@echo "make check  format, lint, types, import contract, specs"
	@echo "make fix    mend what the linter can mend"
	@echo "make build  rebuild the generated files and the wheel"
	@echo "make site   build the documentation site into ./site"
	@echo "make engine-facts  derive the facts about engines again from new wheels"
	@echo "make gpu    measure the full size on this machine's GPU"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

# The light package and its checks; nothing heavy.
$(VENV)/.light: pyproject.toml | $(VENV)/bin/python
	$(PIP) install --quiet --editable '.[site,test,check]'
	@touch $@

# vLLM. The CPU build of PyTorch is taken where pip already finds one, otherwise from PyTorch's own index.
$(VENV)/.prove-cpu: pyproject.toml | $(VENV)/.light
	$(PIP) install --quiet 'torch==$(TORCH)+cpu' 2>/dev/null || $(PIP) install --quiet --index-url $(TORCH_INDEX) 'torch==$(TORCH)'
	$(PIP) install --quiet --editable '.[prove-cpu]'
	@touch $@
$(VENV)/.prove-gpu: pyproject.toml | $(VENV)/.light
	$(PIP) install --quiet --editable '.[prove-gpu]'
	@touch $@

demo: $(VENV)/.prove-$(DEVICE)
	$(BIN)/llama4ref plan --model scout --gpu h100-sxm --count 8 --context 1M
	$(BIN)/llama4ref prove --model scout --gpu h100-sxm --count 8 --context 1M --rung miniature

test: $(VENV)/.prove-$(DEVICE) check
	$(BIN)/python -m pytest
	$(BIN)/python tests/mutations/run.py

mutate: $(VENV)/.light
	$(BIN)/python tests/mutations/run.py

check: $(VENV)/.light
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/llama4ref check

fix: $(VENV)/.light
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

build: $(VENV)/.light
	$(BIN)/llama4ref check --write-schemas
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

site: $(VENV)/.light
	$(BIN)/llama4ref site

gpu: $(VENV)/.prove-gpu
	$(BIN)/python -m llama4ref.proving.records.measuring --out proofs

engine-facts: $(VENV)/.light
	$(BIN)/python -m llama4ref.watching.engine_facts

clean:
	rm -rf $(VENV) build dist site proofs
