# One recipe for people, pre-commit and CI.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
RUN ?= runs/demo
# OMP threads are torch's business; tests use one per worker.
export PYTHONUNBUFFERED := 1

.PHONY: install demo check format lint types imports test bench learn constraints clean

$(BIN)/reverie: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

install: $(BIN)/reverie  ## a virtual environment with everything

demo: install  ## train Dreamer on cartpole-swingup from state, and draw its dreams
	$(BIN)/reverie train dreamer --env dmc:cartpole-swingup --action-repeat 4 --steps 40000 --run $(RUN)

check: lint types imports test  ## all that CI checks

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: install
	$(BIN)/pyright --pythonpath $(BIN)/python

imports: install
	$(BIN)/lint-imports

test: install  ## all tests, some minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q

bench: install
	$(BIN)/reverie bench

learn: install  ## the learning runs behind results/, an hour or more of two cores
	$(BIN)/python benchmarks/learn.py

constraints: install
	$(BIN)/python -m pip freeze --exclude-editable --exclude reverie > constraints.txt

clean:
	rm -rf $(VENV) runs .pytest_cache .ruff_cache
