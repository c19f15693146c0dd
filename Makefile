# The commands of this project. `make run` and `make test` need nothing but python3 (3.11 or later) and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
RUN_READY := $(VENV)/.run-ready
CDK_READY := $(VENV)/.cdk-ready
DEV_READY := $(VENV)/.dev-ready
ORACLE_READY := .venv-oracle/.ready

.DEFAULT_GOAL := help
.PHONY: help setup setup-cdk run synth deploy destroy test lint types bench images clean

help:  ## Show these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(RUN_READY)  ## Make the virtual environment and fetch the wheel that preprocessing ships

run: $(RUN_READY)  ## Run the whole pipeline here, on generated claims
	$(BIN)/fraud run

setup-cdk: $(CDK_READY)  ## Install what synthesizes and deploys: the CDK, and Node where there is none

synth: $(CDK_READY)  ## Synthesize and check the templates of all environments (ENV=prod for one)
	$(BIN)/fraud synth $(if $(ENV),--env $(ENV))

deploy: $(CDK_READY)  ## Deploy an environment: make deploy ENV=dev (ARGS=--yes to approve beforehand)
	$(BIN)/fraud deploy --env $(or $(ENV),dev) $(ARGS)

destroy: $(CDK_READY)  ## Destroy an environment and all that it holds: make destroy ENV=dev
	$(BIN)/fraud destroy --env $(or $(ENV),dev) $(ARGS)

test: $(DEV_READY) $(ORACLE_READY)  ## Run all tests
	$(BIN)/pytest -n 2 --dist loadfile

lint: $(DEV_READY)  ## Check style and the layering of the packages
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache

types: $(DEV_READY)  ## Check types
	$(BIN)/mypy

bench: $(DEV_READY)  ## Measure what the README claims (BENCH="--rows 200000" for another size)
	$(BIN)/python -m benchmarks $(BENCH)

images: $(ORACLE_READY)  ## Make the table of container images anew, out of the SageMaker SDK's
	AWS_DEFAULT_REGION=eu-west-1 .venv-oracle/bin/python pipeline_definition/images/generate.py > .images.json
	mv .images.json pipeline_definition/images/images.json

clean:  ## Remove everything that can be made again, local runs included
	rm -rf $(VENV) .venv-oracle .wheelhouse .local cdk.out node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "error: $(PYTHON) is older than 3.11; say which to use: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(RUN_READY): $(VENV)/.created requirements.txt pyproject.toml training_code/preprocess/wheelhouse.txt
	$(PIP) install --quiet -r requirements.txt
	$(PIP) install --quiet --no-deps --editable .
	rm -rf .wheelhouse
	$(PIP) download --quiet --no-deps --require-hashes --only-binary=:all: --python-version 3.12 \
	    --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 \
	    -r training_code/preprocess/wheelhouse.txt -d .wheelhouse
	@touch $@

$(CDK_READY): $(RUN_READY) requirements-cdk.txt package.json package-lock.json
	$(PIP) install --quiet -r requirements-cdk.txt
	$(BIN)/python -m fraud.deployment.toolchain
	@touch $@

$(DEV_READY): $(CDK_READY) requirements-dev.txt
	$(PIP) install --quiet -r requirements-dev.txt
	@touch $@

$(ORACLE_READY): requirements-oracle.txt
	rm -rf .venv-oracle
	$(PYTHON) -m venv .venv-oracle
	.venv-oracle/bin/python -m pip install --disable-pip-version-check --quiet --no-deps -r requirements-oracle.txt
	@touch $@
