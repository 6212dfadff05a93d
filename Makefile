# Patchbay's tasks; `make` lists them. They need Go, GNU make and git, and the network for Go modules.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GO_BUILD := CGO_ENABLED=0 go build -trimpath
FUZZTIME ?= 30s
PARSERTIME ?= 60s
# Packages without goroutines gain nothing from the race detector, which needs a C compiler; nor does the exam of the built adapters,
# whose code has its own tests.
PURE := (/internal/(config|conversation|journal|route|telemetry|trail)|^patchbay/plugins)$$
# The exams come first: they take longest, and mostly wait.
PACKAGES = go list ./sdk/... ./plugins/... ./sandbox/... ./core/...
RACE := $(if $(shell command -v $${CC:-cc} || command -v gcc),-race)
# The proto tools, built from the versions in tools/; the stamp's name tells which versions .tools/ has.
TOOLS := .tools/versions-$(shell cat tools/*/go.mod tools/*/go.sum | sha256sum | cut -c1-16)
GENERATED := '*.pb.go' ':(glob)**/*_string.go'

.NOTPARALLEL:
.PHONY: help build run demo test unit e2e docs race fuzz parsers generate check-generated lint bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the gateway, the adapters and the sandbox into bin/
	$(GO_BUILD) -ldflags '-X main.version=$(VERSION)' -o bin/patchbay ./core
	$(GO_BUILD) -o bin/ ./plugins/native ./plugins/botwebhook ./plugins/aicc ./sandbox

run: build ## start the gateway and pretend vendors; data stays in ./data; Ctrl-C stops
	@exec bin/sandbox run --gateway-bin bin/patchbay --config config.yaml

demo: build ## play a handover from a bot to a person and back, and check each step
	bin/sandbox demo --gateway-bin bin/patchbay --config config.yaml

test: lint check-generated unit e2e docs demo parsers ## everything that must pass

unit: ## the packages' own tests, with the race detector where there are goroutines
	go test -parallel 6 $$($(PACKAGES) | grep -E '$(PURE)')
	go test $(RACE) $$($(PACKAGES) | grep -vE '$(PURE)')

e2e: build ## black-box tests over the built programs
	go test -timeout 10m -parallel 6 $$(go list ./test/... | grep -v /test/docs)

docs: build ## what the documents say against what the programs do
	go test ./test/docs/...

race: ## the packages' own tests, three times, all with the race detector
	go test -race -count 3 $$($(PACKAGES))

fuzz: ## each fuzz test for FUZZTIME (30s)
	go list -f '{{.ImportPath}} {{.Dir}}' ./... | while read -r pkg dir; do \
	  { grep -hoE '^func Fuzz\w+' "$$dir"/*_test.go 2>/dev/null || true; } | cut -c6- | while read -r name; do \
	    echo "== $$pkg $$name"; go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) "$$pkg" < /dev/null; \
	done; done

parsers: ## fuzz whatever reads the bytes of vendors, each for PARSERTIME (60s)
	.ci/parsers $(PARSERTIME)

generate: $(TOOLS) ## write the generated code anew
	.tools/buf lint
	.tools/buf generate
	go generate ./...

check-generated: generate ## fail if the generated code is not what generate writes
	git diff --exit-code -- $(GENERATED)
	@test -z "$$(git ls-files --others --exclude-standard -- $(GENERATED))" || { echo 'generated files are not in git'; exit 1; }

lint: ## gofmt and go vet
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not gofmt'ed: $$unformatted"; exit 1; }
	go vet ./...

bench: build ## measure; docs/benchmarks.md says what and how
	go run ./test/bench

clean: ## remove what the other targets made, but not ./data
	rm -rf bin .tools .build

$(TOOLS): ; rm -f .tools/versions-*
	cd tools/buf && go build -o ../../.tools/buf github.com/bufbuild/buf/cmd/buf
	cd tools/proto && go build -o ../../.tools/ google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc
	@touch $@
