# Everything needs Go and Node.js, and where apt-get is not to be had also nginx; nothing else has to be installed first.

FUZZTIME ?= 30s
LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GO_FILES = $(shell git ls-files -co --exclude-standard '*.go' ':!:*/node_modules/*')

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help build demo test check fmt vet lint peers race fuzz measure bench rules clean

help: ## Print this help
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build bin/ostiary
	go build -o bin/ostiary ./cmd/ostiary

demo: ## Show twenty-one calls, their verdicts and the evidence
	go run ./cmd/ostiary demo

test: fmt vet lint peers race ## All that CI runs; installs what it needs

check: test ## The same, for the desk

fmt: ## Fail on a file that gofmt would change
	@out=$$(gofmt -l $(GO_FILES)); if [ -n "$$out" ]; then \
		echo "not formatted; run gofmt -w on:"; echo "$$out"; exit 1; fi

vet: ## Run go vet
	go vet ./...

lint: ## Run the linters of .golangci.yml (the first time builds them, about three minutes)
	go run $(LINT) run ./...

peers: ## Install the npm servers, the client and the nginx that tests talk to
	OSTIARY_PEERS=install go test -count=1 ./internal/peers

race: ## Run all tests with the race detector, after those that are too large for it or run other code with it
	go test -run 'TestTheCatalogIsBounded|Direct|StandardOutput|Outbox' ./gateway
	go test ./internal/nonblock ./egress
	OSTIARY_PEERS=install go test -race -timeout 30m ./...

fuzz: ## Run every fuzz target for FUZZTIME (30s)
	@set -e; for pkg in $$(go list ./...); do \
		for name in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$name"; go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; done

measure: build ## Measure the door against its controls and print tables
	go run ./bench

bench: measure ## The same

rules: build ## Measure what 10 and 10,000 rules cost
	go run ./bench -only rules

clean: ## Remove what was built and installed
	rm -rf bin internal/peers/node_modules internal/peers/nginx
