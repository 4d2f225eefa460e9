# make demo · make test · make check · make bench — each does all the set-up it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test check bench docs oscal lock clean

demo: $(READY)
	$(BIN)/jobaudit demo --output output

test: $(READY)
	$(BIN)/python -m pytest -q -n 4

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/docs

docs: $(READY)
	$(BIN)/python -m docs.generate

bench: $(READY)
	$(BIN)/python bench/scale.py

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "jobaudit needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# What the OSCAL tests need beside the rest: they skip without it, except in CI.
oscal: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-oscal.lock

# Renew the lock files: exact versions with hashes for every supported Python, no registry addresses. The second agrees
# with the first, so that installing it changes nothing there.
LOCK := --quiet --generate-hashes --allow-unsafe --strip-extras \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options --no-header
lock:
	$(PYTHON) -m venv .make/lock
	.make/lock/bin/python -m pip install --quiet pip-tools
	.make/lock/bin/pip-compile $(LOCK) --extra dev --extra build --output-file requirements.lock pyproject.toml
	echo 'compliance-trestle>=5.2' | .make/lock/bin/pip-compile $(LOCK) --constraint requirements.lock --output-file requirements-oscal.lock -

clean:
	rm -rf $(VENV) .make
