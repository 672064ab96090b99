# Everything a newcomer needs. `make` alone lists it.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
ARGS ?=
# Detectors that guess by chance-like letters would name every hash and every fake token of the tests.
NO_GUESSES = --disable-plugin KeywordDetector --disable-plugin BasicAuthDetector --disable-plugin IPPublicDetector \
	--disable-plugin Base64HighEntropyString --disable-plugin HexHighEntropyString
LOCK = uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-strip-extras --custom-compile-command "make lock"

help:  ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: $(VENV)/.runtime  ## Play the whole main job on emulated phones, then serve the console (ARGS=--once: exit after the summary)
	@$(BIN)/python -m bot demo $(ARGS)

run: $(VENV)/.runtime  ## Serve webhooks, console, delivery and jobs with the settings of .env
	@$(BIN)/python -m bot run $(ARGS)

test: $(VENV)/.dev  ## Run all tests, on SQLite and on a real PostgreSQL
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

coverage: $(VENV)/.dev  ## The same tests, at half the speed, with the lines that none of them ran
	@$(BIN)/python -m pytest -n auto --dist worksteal --cov=bot --cov-report=term:skip-covered --cov-fail-under=90 $(ARGS)

check: $(VENV)/.dev  ## Lint, format, types, import contracts, content, migrations = models
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/deptry .
	@git ls-files -z 2>/dev/null | grep -zv '\.lock$$\|\.png$$\|\.po$$' | xargs -0 $(BIN)/detect-secrets-hook $(NO_GUESSES)
	@$(BIN)/python .ci/audit.py
	$(BIN)/python -m bot check
	$(BIN)/python -m bot db check

format: $(VENV)/.dev  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migration: $(VENV)/.dev  ## Write a migration from the models (ARGS="-m 'what changes'")
	@rm -f var/migration.db && OUTREACH_DATABASE_URL=sqlite:///var/migration.db $(BIN)/alembic upgrade head \
	&& OUTREACH_DATABASE_URL=sqlite:///var/migration.db $(BIN)/alembic revision --autogenerate $(ARGS)

fuzz: $(VENV)/.dev  ## 10,000 hostile inputs into the console's forms, and as many calls of the API (half an hour; ARGS="-k api")
	@OUTREACH_FUZZ=10000 $(BIN)/python -m pytest tests/web/test_console_fuzz.py tests/web/test_api_fuzz.py -n 0 -s $(ARGS)

bench-delivery: $(VENV)/.dev $(VENV)/.peers  ## Messages a second and CPU a message, beside other clients, on both engines
	@$(BIN)/python -m benchmarks.delivery $(ARGS)

bench-survey: $(VENV)/.dev  ## Microseconds of one answer in a short and a long form, beside plain ways; memory of 10,000 runs
	@$(BIN)/python -m benchmarks.survey $(ARGS)

bench-crash: $(VENV)/.dev  ## Kill a broadcast at 200 random moments: nothing lost, nothing doubled, on both engines
	@$(BIN)/python -m benchmarks.crash $(ARGS)

bench-scale: $(VENV)/.dev  ## One, two and four sending processes on PostgreSQL; one is killed, the database restarted
	@$(BIN)/python -m benchmarks.scale $(ARGS)

soak: $(VENV)/.dev  ## An hour of mixed load with faults on both engines: memory, answering times, logs, invariants (ARGS="--minutes 3")
	@$(BIN)/python -m benchmarks.soak $(ARGS)

bench-memory: $(VENV)/.dev  ## Peak memory of a million recipients beside ten thousand, and seconds of freezing, on both engines
	@$(BIN)/python -m benchmarks.memory $(ARGS)

bench-import: $(VENV)/.dev  ## Read 100,000 rows of a list, beside phonenumbers alone, on both engines
	@$(BIN)/python -m benchmarks.importing $(ARGS)

bench-export: $(VENV)/.dev  ## CPU and memory of exporting 1,000,000 answers to each format, beside pandas and polars
	@$(BIN)/python -m benchmarks.exporting $(ARGS)

bench-feeds: $(VENV)/.dev  ## CPU of a page of 1,000 rows of 40 questions as OData, and of looking for changes
	@$(BIN)/python -m benchmarks.feeds $(ARGS)

bench-inbound: $(VENV)/.dev $(VENV)/.peers  ## CPU from a webhook to the committed reply, beside other bots, on both engines
	@$(BIN)/python -m benchmarks.inbound $(ARGS)

bench-costs: $(VENV)/.dev  ## What a message costs PostgreSQL in CPU, log and bytes: what scale-simulation reckons with
	@$(BIN)/python -m benchmarks.costs $(ARGS)

scale-simulation: $(VENV)/.dev  ## Reckon from measured costs how an installation does at up to ten million members (docs/scale.md)
	@$(BIN)/python -m benchmarks.simulation $(ARGS)

bench-reminders: $(VENV)/.dev  ## Seconds to queue the reminders of 10,000 members due in the same minute, on both engines
	@$(BIN)/python -m benchmarks.reminders $(ARGS)

bench-console: $(VENV)/.dev  ## Seconds of every page of the console with 1,000,000 members on PostgreSQL, 200,000 on SQLite
	@$(BIN)/python -m benchmarks.console $(ARGS)

console-texts: $(VENV)/.dev  ## Gather the console's English texts into the catalogues that translate it
	@mkdir -p var
	@$(BIN)/pybabel -q extract -F pyproject.toml -k Sentence -k pgettext:1c,2 --no-location --sort-output -w 120 -o var/console.pot .
	@$(BIN)/pybabel -q update -D console -i var/console.pot -d messages/locale -l fr -N --ignore-obsolete --ignore-pot-creation-date -w 120
	@$(BIN)/python -m bot check

pictures: $(VENV)/.dev  ## Take the README's pictures again (needs Chromium)
	@PYTHONPATH=. $(BIN)/python docs/pictures.py

docs: $(VENV)/.docs  ## Make a site of docs/ (var/site)
	@NO_MKDOCS_2_WARNING=1 $(VENV)/docs/bin/mkdocs build --quiet --strict $(ARGS) && echo "var/site/index.html"

lock:  ## Pin the dependencies with hashes (needs uv)
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) pyproject.toml --extra dev -o requirements-dev.lock
	$(LOCK) --group peers -o requirements-peers.lock
	$(LOCK) --group docs -o requirements-docs.lock

sbom: $(VENV)/.dev  ## List what we ship, with versions and hashes, as CycloneDX (var/sbom.json)
	@mkdir -p var
	@$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml -o var/sbom.json

clean:  ## Remove the environment and caches, not your data
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage

# The lock files carry hashes for every file, so that nothing else can be installed.
$(VENV)/.runtime: requirements.lock
	@$(call install,requirements.lock,$(VENV))
	@touch $@

$(VENV)/.dev: requirements-dev.lock
	@$(call install,requirements-dev.lock,$(VENV))
	@touch $@ $(VENV)/.runtime

$(VENV)/.peers: requirements-peers.lock $(VENV)/.dev
	@$(call install,requirements-peers.lock,$(VENV)/peers)
	@touch $@

$(VENV)/.docs: requirements-docs.lock
	@$(call install,requirements-docs.lock,$(VENV)/docs)
	@touch $@

ifdef UV
install = echo "Installing into $(2) with uv ..." && \
	{ test -x $(2)/bin/python || uv venv -q --python $(PYTHON) $(2); } && \
	uv pip install -q --python $(2)/bin/python --require-hashes -r $(1)
else
install = echo "Installing into $(2) with pip ..." && \
	{ test -x $(2)/bin/pip || $(PYTHON) -m venv $(2); } && \
	$(2)/bin/pip install -q --disable-pip-version-check --require-hashes -r $(1)
endif

.PHONY: help soak docs fuzz coverage sbom bench-export bench-memory bench-scale bench-reminders bench-import bench-inbound bench-crash bench-delivery bench-survey bench-costs scale-simulation demo run test check format migration pictures console-texts lock clean bench-console
