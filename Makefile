# Millrace. `make` alone lists the targets. Each does what set-up it needs; a second time that takes no more than a second.

.DEFAULT_GOAL := help
.PHONY: help setup demo deploy undeploy status logs port-forward test e2e soak bench check lint format docs clean

run := scripts/run
pipelines := examples/traffic/pipeline.yaml examples/environment/pipeline.yaml examples/phone-sensors/pipeline.yaml \
	examples/smart-controller/pipeline.yaml
secrets := .millrace/secrets
clients := examples/phone-sensors/simulate.ts examples/smart-controller/simulate.ts
registry := examples/smart-controller/registry.yaml

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  make demo ONCE=1   ends by itself when all input is stored, with the counts'
	@echo '  make deploy CONTEXT=kind-dev NAMESPACE=feeds VALUES=values.yaml PIPELINES=room.yaml REGISTRY=devices.yaml IMAGE_REGISTRY=ghcr.io/somebody'
	@echo '                     or IMAGE=… for one that is there; CONTEXT, KUBECONFIG and NAMESPACE hold for undeploy, status, logs and port-forward too'
	@echo '  make bench ONLY=writer,sink ROWS=1000000 FULL=1 PEERS=1   narrows or widens it'

setup: ## Fetch what the others need: Node 24, npm packages, Kafka, PostgreSQL
	@scripts/setup

demo: ## Run the four examples into their tables, and keep running
ifdef DOCKER
	@echo 'millrace: make demo DOCKER=1 is not built yet; make demo runs without Docker' >&2; exit 2
else
	@scripts/setup
	@scripts/token $(secrets)/phone-sensors/token
	@$(run) node services/cli/bin/millrace.ts run $(pipelines) --secrets $(secrets) \
		--mqtt-broker own --registry $(registry) --client $(clients) $(if $(filter-out 0,$(ONCE)),--once)
endif

deploy: ## Bring the platform and the examples into a cluster: kind, minikube, or where the kubeconfig points
	@scripts/setup npm
	@$(run) node services/deploy/bin/deploy.ts deploy

undeploy: ## Take them away again, Pipelines first; volumes stay (PURGE=1 removes them)
	@scripts/setup npm
	@$(run) node services/deploy/bin/deploy.ts undeploy

status: ## What runs in the cluster, how far each Pipeline is, and what is stuck and why
	@scripts/setup npm
	@$(run) node services/deploy/bin/deploy.ts status

logs: ## What the pods say, until Ctrl-C; ROLE=sink and PIPELINE=traffic narrow it
	@scripts/setup npm
	@$(run) node services/deploy/bin/deploy.ts logs

port-forward: ## Open Grafana, Prometheus, Alertmanager and the database on this machine, until Ctrl-C
	@scripts/setup npm
	@$(run) node services/deploy/bin/deploy.ts port-forward

test: ## Check and test everything, with a real Kafka and a real PostgreSQL
	@scripts/setup
	@$(run) node scripts/test.ts

e2e: ## The platform and the examples on a real Kubernetes, from nothing: CONTEXT, KUBECONFIG, or kubelab on this machine
	@scripts/setup npm
	@scripts/helm/fetch
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
