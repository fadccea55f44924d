# Everything runs in an environment of its own, made on first use.
PYTHON ?= python3
DEMO_ENV := .venv-demo
DEV_ENV := .venv
PIP_FLAGS := --quiet --disable-pip-version-check
# Where the shell forbids compiled modules, each of the many processes started here would compile all of them.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test journeys screenshots test-long lint bench validity clean

demo: $(DEMO_ENV)/.ready
	$(DEMO_ENV)/bin/promptlab compare experiments/quickstart.yaml

test: $(DEV_ENV)/.ready
	$(DEV_ENV)/bin/python -m pytest -n auto --dist worksteal -m "not long and not browser"

# The workbench and the report in real Chromium. The tests of a file share its server.
journeys: $(DEV_ENV)/.ready
	$(DEV_ENV)/bin/python -m pytest -n auto --dist loadscope -m "browser and not long"

# Every page in both languages and themes, into docs/screenshots.
screenshots: $(DEV_ENV)/.ready
	$(DEV_ENV)/bin/python tests/ui/screenshots.py

test-long: $(DEV_ENV)/.ready
	$(DEV_ENV)/bin/python -m pytest -m long

lint: $(DEV_ENV)/.ready
	$(DEV_ENV)/bin/ruff check .
	$(DEV_ENV)/bin/ruff format --check .
	$(DEV_ENV)/bin/mypy
	$(DEV_ENV)/bin/lint-imports --no-cache

bench: $(DEV_ENV)/.ready
	$(DEV_ENV)/bin/python benchmarks/run.py

validity: $(DEV_ENV)/.ready
	$(DEV_ENV)/bin/python benchmarks/validity.py

$(DEMO_ENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DEMO_ENV)
	$(DEMO_ENV)/bin/pip install $(PIP_FLAGS) -c constraints.txt -e '.[local]'
	touch $@

$(DEV_ENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DEV_ENV)
	$(DEV_ENV)/bin/pip install $(PIP_FLAGS) -c constraints.txt -e '.[all,dev]'
	touch $@

clean:
	rm -rf $(DEMO_ENV) $(DEV_ENV) build dist
