# One word per task. Everything happens in .venv; nothing else is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := em,yolo,compare,docs,dev
STAMP := $(VENV)/.installed
export OMP_NUM_THREADS ?= 1

.PHONY: install audit licences demo test lint docs docs-serve bench weights serve dist clean constraints

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("graticule needs Python 3.11 or newer, got " + sys.version.split()[0] + "; set PYTHON=python3.11") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e ".[$(EXTRAS)]"
	@touch $@

install: $(STAMP)

demo: $(STAMP)
	$(BIN)/python infra/demo.py

test: $(STAMP)
	$(BIN)/python -m pytest -m "not alone" -n logical --maxprocesses 4 --dist loadfile
	$(BIN)/python -m pytest -m alone

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(STAMP)
	$(BIN)/sphinx-build -q -W --keep-going -E -c infra/docs -d build/doctrees docs site

docs-serve: docs
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory site 8001

# Asks a service on the internet; no part of make test.
audit: $(STAMP)
	$(BIN)/uv pip check --python $(BIN)/python
	$(BIN)/python infra/audit.py

licences: $(STAMP)
	@$(BIN)/python infra/licences.py --check

bench: $(STAMP)
	$(BIN)/python tests/benchmarks/run.py

weights: $(STAMP)
	$(BIN)/python infra/train_weights.py

serve: $(STAMP)
	$(BIN)/python -m serve $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT))

dist: $(STAMP)
	$(BIN)/uv build --quiet --clear --out-dir dist
	@ls dist

clean:
	rm -rf $(VENV) demo site build/doctrees

constraints: $(STAMP)
	$(BIN)/uv pip freeze --quiet --python $(BIN)/python --exclude-editable > constraints.txt
