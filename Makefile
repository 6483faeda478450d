# The doors to this repository. `make` lists them; each sets up what it needs and can be repeated.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Warnings are errors in everything that this repository builds of its own.
export FERRY_STRICT := 1

LIBRARIES := librabbitmq-dev libssl-dev libsqlite3-dev pkg-config
FERRY := .build/release/ferry

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

.PHONY: demo
demo: libraries ## build, start a private broker, sync Debian's ISO registries, show what happened, stop
	@scripts/install-dependencies iso-codes sqlite3 amqp-tools
	@swift build -c release --product ferry
	@demo/run

.PHONY: up
up: libraries ## the demo's broker and a worker, kept running (make down stops them)
	@scripts/install-dependencies iso-codes sqlite3 amqp-tools
	@swift build -c release --product ferry
	@demo/up

.PHONY: down
down: ## stop what make up started
	@demo/down

.PHONY: build
build: libraries ## the ferry command, in release
	swift build -c release --product ferry
	@echo "built $(FERRY)"

.PHONY: test
test: libraries ## everything the tests need, then the tests (integration tests against a private broker)
	@scripts/install-dependencies amqp-tools python3 python3-venv openssl iso-codes sqlite3
	@scripts/test

.PHONY: chaos
chaos: libraries ## ten minutes of kills, pauses, lost connections and full queues; then the account, by id (see docs/reliability.md)
	@scripts/install-dependencies python3 python3-venv
	swift build -c release --product ferry
	@chaos/run --ferry $(FERRY) $(CHAOS)

.PHONY: chaos-boundaries
chaos-boundaries: libraries ## kill -9 at each boundary of the crash table, 20 times each
	@scripts/install-dependencies python3 python3-venv
	swift build -c release --product ferry
	@chaos/boundaries --ferry $(FERRY) $(CHAOS)

.PHONY: bench
bench: libraries ## the same job by a bare C loop, Ferry and Python's task queues, side by side (see docs/benchmarks.md)
	@scripts/install-dependencies gcc libc6-dev python3 python3-venv
	swift build -c release --product ferry
	swift build -c release --product BenchController
	@Benchmarks/run --ferry $(FERRY) $(BENCH)

.PHONY: bench-growth
bench-growth: libraries ## Ferry's speed and memory as records, messages, documents and processes grow (most of an hour)
	@scripts/install-dependencies gcc libc6-dev python3 python3-venv
	swift build -c release --product ferry
	swift build -c release --product BenchController
	@Benchmarks/growth --ferry $(FERRY) $(BENCH)

.PHONY: examples
examples: libraries ## the example program of Examples/, built and tested as the package of its own that it is
	swift build --package-path Examples
	swift test --package-path Examples

.PHONY: lint
lint: ## the format rules, strictly
	swift format lint --strict --parallel --recursive Package.swift Sources Tests Benchmarks

.PHONY: format
format: ## put the sources into the format
	swift format --in-place --parallel --recursive Package.swift Sources Tests Benchmarks

.PHONY: clean
clean: ## remove what was built and what demo and tests left behind
	@[ ! -d .demo ] || demo/down
	rm -rf .build .demo .test .bench

.PHONY: libraries
libraries:
	@scripts/install-dependencies $(LIBRARIES)
	@command -v swift >/dev/null || { echo "Swift 6.2 or newer is needed: https://swift.org/install" >&2; exit 2; }
