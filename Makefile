# One recipe for people, pre-commit and CI.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
RUN ?= runs/demo
# OMP threads are torch's business; tests use one per worker.
export PYTHONUNBUFFERED := 1

.PHONY: install demo check format lint types imports test verify bench learn tables docs notebooks constraints clean

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

verify: install  ## the beginning of a recorded run again, compared to the bit; a minute
	$(BIN)/reverie results --verify dreamer --no-note --seconds 60

bench: install
	$(BIN)/reverie bench

learn: install  ## the learning runs behind results/, many hours; what was interrupted goes on
	$(BIN)/reverie results all --into runs/learn --jobs 2

tables: install  ## the tables on the pages, from results/ and PUBLISHED=curves.csv, a table of published curves
	@test -n "$(PUBLISHED)" || { echo "name a table of published curves, as in: make tables PUBLISHED=curves.csv" >&2; exit 2; }
	$(BIN)/reverie results all --table --published $(PUBLISHED) --write docs/presets/*.md results/README.md

$(BIN)/mkdocs: $(BIN)/reverie
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

docs: install $(BIN)/mkdocs  ## the documentation site, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

notebooks: install  ## the notebooks, from their scripts
	$(BIN)/jupytext --to ipynb --update notebooks/*.py

constraints: install $(BIN)/mkdocs
	$(BIN)/python -m pip freeze --exclude-editable --exclude reverie > constraints.txt

clean:
	rm -rf $(VENV) runs site .pytest_cache .ruff_cache
