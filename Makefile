# Modelkeep. Every target below sets up all that it needs first: Debian packages, .venv, locked dependencies.

DATA ?= var/data
WORKERS ?= 2
ARGS ?=
BIN := .venv/bin
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help demo test serve check format bench lock clean setup setup-dvc setup-hub setup-bench

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup ## start a hub, use it as people would with real clients, keep serving (EXIT=1: end after the steps)
	$(BIN)/python demo/run.py $(if $(EXIT),--exit)

test: setup setup-dvc setup-hub ## all tests (ARGS="-k tags tests/unit" chooses)
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

setup-dvc: setup
	@scripts/venv .venv-dvc requirements/dvc.txt

# The clients of the Hugging Face Hub, each version in an environment of its own.
setup-hub: setup
	@for client in 0 1 1-29 2; do scripts/venv .venv-hub-$$client requirements/hub-$$client.txt || exit; done
	@scripts/torch .venv-hub-2

setup-bench: setup
	@scripts/debian-packages nginx fcgiwrap
	@scripts/venv .venv-giftless requirements/giftless.txt
