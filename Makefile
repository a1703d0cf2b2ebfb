# Modelkeep. Every target below sets up all that it needs first: Debian packages, .venv, locked dependencies.

DATA ?= var/data
WORKERS ?= 3
ARGS ?=
BIN := .venv/bin
HUB_CLIENTS := hub-1 hub-2 hub-0 hub-1-29
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help demo test serve check format bench lock clean setup setup-clients setup-hub setup-bench

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup ## start a hub, use it as people would with real clients, keep serving (EXIT=1: end after the steps)
	$(BIN)/python demo/run.py $(if $(EXIT),--exit)

test: setup setup-clients ## all tests (ARGS="-k tags tests/unit" chooses)
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --durations=25 --durations-min=3 $(ARGS)

serve: setup ## a hub on 127.0.0.1:8000 with its data in var/data (DATA=, ARGS="--port 9000")
	$(BIN)/modelkeep serve --data $(DATA) $(ARGS)

check: setup ## format, lint, types, import contracts, rules of the house
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/architecture

format: setup ## format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup-bench setup-hub ## measure against nginx, git http-backend, giftless and file://
	$(BIN)/python -m benchmarks $(ARGS)

lock: ## compile the locks in requirements/ (UPGRADE=1: newest versions)
	@scripts/lock $(if $(UPGRADE),--upgrade)

clean: ## remove environments, caches and the data of demo and bench; not var/data
	rm -rf .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	rm -rf var/demo var/bench

setup:
	@scripts/debian-packages git git-lfs curl ssh-keygen venv
	@scripts/venv .venv requirements/dev.txt --editable

# What tests run against the hub, each in an environment of its own, two at a time: DVC, and the oldest and the newest of
# the clients of the Hugging Face Hub. After `make setup-hub` the others are there too, and their tests run as well.
setup-clients: setup
	@printf '%s\n' dvc hub-2 hub-0 | xargs -P 2 -I NAME scripts/venv .venv-NAME requirements/NAME.txt
	@scripts/torch .venv-hub-2

setup-hub: setup
	@printf '%s\n' $(HUB_CLIENTS) | xargs -P 2 -I NAME scripts/venv .venv-NAME requirements/NAME.txt
	@scripts/torch .venv-hub-2

setup-bench: setup
	@scripts/debian-packages nginx fcgiwrap
	@scripts/venv .venv-giftless requirements/giftless.txt
