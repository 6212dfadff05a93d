# Targets; `make` lists them. They need Go, GNU make, git, and network access for Go modules.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# All targets build alike, for one build cache. With -trimpath it serves every clone.
export CGO_ENABLED := 0
export GOFLAGS := $(shell go env GOFLAGS) -trimpath
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 30s
PARSERTIME ?= 60s
# Length of the long tests: seconds of a soak, simulated power cuts and damaged stores of each kind.
SOAK ?= 600
CUTS ?= 300
# Packages that start no goroutines run without the race detector, which needs a C compiler. So do the conformance tests: they run built
# adapters, whose code has its own tests.
PURE := (/internal/(attempt|config|conversation|hours|inbound|journal|recorded|render|route|scenario|state|telemetry|trail)|/conversationtest|^patchbay/plugins)$$
# The conformance tests come first: they take longest and mostly wait.
PACKAGES = go list ./sdk/... ./plugins/... ./sandbox/... ./core/...
RACE := $(if $(shell command -v $${CC:-cc} || command -v gcc),-race)
# The target lint runs vet. Only the race detector needs cgo.
TEST := go test -vet=off
TEST_RACE := CGO_ENABLED=$(if $(RACE),1,0) $(TEST) $(RACE)
# Tools are built from the versions in tools/. The stamp's name identifies the versions in .tools/.
TOOLS := .tools/versions-$(shell cat tools/*/go.mod tools/*/go.sum | sha256sum | cut -c1-16)
GENERATED := '*.pb.go' '*_gen.go' ':(glob)**/*_string.go'

.NOTPARALLEL:
.PHONY: help build run demo test unit e2e browser docs race fuzz parsers soak faults generate check-generated lint bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the gateway, the adapters and the sandbox into bin/
	go build -ldflags '-X main.version=$(VERSION)' -o bin/patchbay ./core
	go build -o bin/ ./plugins/native ./plugins/botwebhook ./plugins/aicc ./sandbox

run: build ## start the gateway and simulated vendors; data is in ./data; Ctrl-C stops
	@exec bin/sandbox run --gateway-bin bin/patchbay --config config.yaml

demo: build ## run a handover from a bot to an agent and back, and check each step
	bin/sandbox demo --gateway-bin bin/patchbay --config config.yaml

test: lint check-generated unit e2e docs demo ## everything that must pass; fuzzes each parser for 20s
	.ci/parsers 20s fresh

# Four packages at a time: the slowest ones mostly wait, for processes and for the grace of calls. With the race detector,
# some tests of the writer take a minute each: they run without it, and -short leaves them out.
unit: ## unit tests, with the race detector for packages with goroutines
	$(TEST) -parallel 6 $$($(PACKAGES) | grep -E '$(PURE)') ./core/internal/writer
	$(TEST_RACE) -short -p 4 -parallel 6 $$($(PACKAGES) | grep -vE '$(PURE)')

e2e: build ## end-to-end and crash tests of the built programs
	$(TEST) -timeout 10m -p 3 -parallel 6 $$(go list ./test/... | grep -v /test/docs)

browser: build .tools/axe.min.js ## test the sandbox's pages in Chromium; needs chromium and npm
	BROWSER=$$(command -v chromium chromium-browser google-chrome | head -1 | grep . || { echo 'install Chromium first: apt-get install chromium' >&2; exit 1; }) \
	  go test -count=1 ./test/browser

docs: build ## test the documents against the programs
	$(TEST) ./test/docs/...

race: ## unit tests, three times, all with the race detector
	CGO_ENABLED=1 go test -race -count 3 $$($(PACKAGES))

fuzz: ## each fuzz test for FUZZTIME (30s)
	go list -f '{{.ImportPath}} {{.Dir}}' ./... | while read -r pkg dir; do \
	  { grep -hoE '^func Fuzz\w+' "$$dir"/*_test.go 2>/dev/null || true; } | cut -c6- | while read -r name; do \
	    echo "== $$pkg $$name"; go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) "$$pkg" < /dev/null; \
	done; done

parsers: ## fuzz every parser of vendor bytes for PARSERTIME (60s)
	.ci/parsers $(PARSERTIME)

soak: build ## traffic with faults for SOAK seconds (600); memory, goroutines and files must not grow
	PATCHBAY_SOAK=$(SOAK) go test ./test/crash -run '^TestSoak$$' -count 1 -v -timeout $$(($(SOAK) + 600))s

faults: ## CUTS (300) simulated power cuts, failed writes and damaged stores of each kind
	PATCHBAY_POWER_CUTS=$(CUTS) PATCHBAY_DAMAGE_CASES=$(CUTS) go test ./core/internal/store/jetstream -count 1 -timeout 60m \
	  -run '^Test(PowerCut|FailedWrites|OneWrongBit|DamageLoses|ShortBlock|DamagedMetadata)'

generate: $(TOOLS) ## regenerate the generated code
	.tools/buf lint
	.tools/buf generate
	go generate ./...

check-generated: generate ## fail if the generated code is out of date
	git diff --exit-code -- $(GENERATED)
	@test -z "$$(git ls-files --others --exclude-standard -- $(GENERATED))" || { echo 'generated files are not in git'; exit 1; }

lint: $(TOOLS) ## gofmt, go vet and staticcheck
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not gofmt'ed: $$unformatted"; exit 1; }
	go vet ./...
	.tools/staticcheck ./...

bench: build ## measure the gateway; see docs/benchmarks.md
	go run ./test/bench

clean: ## remove the results of the other targets; ./data stays
	rm -rf bin .tools .build

# axe-core finds faults of accessibility. It is used only here.
.tools/axe.min.js:
	@mkdir -p .tools
	cd .tools && npm pack --silent axe-core@4.14.1 && tar xzOf axe-core-4.14.1.tgz package/axe.min.js > axe.min.js && rm axe-core-4.14.1.tgz

$(TOOLS): ; rm -f .tools/versions-*
	cd tools/buf && go build -o ../../.tools/buf github.com/bufbuild/buf/cmd/buf
	cd tools/proto && go build -o ../../.tools/ google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc \
	  github.com/planetscale/vtprotobuf/cmd/protoc-gen-go-vtproto
	cd tools/msgp && go build -o ../../.tools/msgp github.com/tinylib/msgp
	cd tools/lint && go build -o ../../.tools/ honnef.co/go/tools/cmd/staticcheck
	@touch $@
