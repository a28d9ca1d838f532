# make demo   set up, score the sample calls with the shipped model, show a summary
# make test   set up, run the tests
# make lint   set up, run the linters
# make model  rebuild the shipped model from data/ alone
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= demo-out

.PHONY: demo test lint model clean

$(VENV)/.ready: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: $(VENV)/.ready
	rm -rf $(OUT)
	$(BIN)/ownership-scorer score data/sample --out $(OUT)
	$(BIN)/ownership-scorer summary $(OUT)

test: $(VENV)/.ready
	$(BIN)/python -m pytest

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/ownership-scorer cues check

model: $(VENV)/.ready
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(date +%s)} $(BIN)/ownership-scorer train data/calls.jsonl --out models/default --group-by slice --severity listening=0.2,reassurance=-0.15,ownership=0.1 --jobs -1

clean:
	rm -rf $(VENV) $(OUT) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
