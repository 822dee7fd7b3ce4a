# Millrace. `make` alone lists the targets. Each does what set-up it needs; a second time that takes no more than a second.

.DEFAULT_GOAL := help
.PHONY: help setup demo deploy test e2e soak bench check lint format docs clean

run := scripts/run
pipelines := examples/traffic/pipeline.yaml examples/environment/pipeline.yaml

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  make demo ONCE=1   ends by itself when all input is stored, with the counts'
	@echo '  make bench ONLY=writer,sink ROWS=1000000 FULL=1 PEERS=1   narrows or widens it'

setup: ## Fetch what the others need: Node 24, npm packages, Kafka, PostgreSQL
	@scripts/setup

demo: ## Run the examples traffic and environment from file to table, and keep running
ifdef DOCKER
	@echo 'millrace: make demo DOCKER=1 is not built yet; make demo runs without Docker' >&2; exit 2
else
	@scripts/setup
	@$(run) node services/cli/bin/millrace.ts run $(pipelines) $(if $(filter-out 0,$(ONCE)),--once)
endif

deploy: ## The platform and the examples in a cluster: kind, minikube, or where the kubeconfig points
	@scripts/setup
	@$(run) node services/deploy/bin/deploy.ts deploy

test: ## Check and test everything, with a real Kafka and a real PostgreSQL
	@scripts/setup
	@$(run) node scripts/test.ts

e2e: ## The platform and the examples on a real Kubernetes: KUBECONFIG, or kubelab on this machine
	@scripts/setup
	@$(run) node e2e/cluster/e2e.ts

soak: ## Kill, freeze and cut everything N times (200) while rows flow, and count them: rounds with a seed each
	@scripts/setup
	@$(run) node e2e/soak.ts $(or $(N),200)

bench: ## Measure, beside limits and peers (10 to 15 minutes; bench/README.md says what)
	@scripts/setup
	@ONLY='$(ONLY)' ROWS='$(ROWS)' FULL='$(FULL)' PEERS='$(PEERS)' REFERENCE='$(REFERENCE)' $(run) node bench/bench.ts

check: ## Types, lint, format and dead code
	@scripts/setup
	@$(run) tsc --noEmit
	@$(run) biome check --error-on-warnings .
	@$(run) knip

lint: ## Lint and format only
	@scripts/setup
	@$(run) biome check --error-on-warnings .

format: ## Correct format and lint where that is safe
	@scripts/setup
	@$(run) biome check --write .

docs: ## Write the pages that are made from the code
	@scripts/setup
	@$(run) node docs/generate.ts

clean: ## Remove all that was fetched, built and stored here, the demo's data too
	@scripts/clean
