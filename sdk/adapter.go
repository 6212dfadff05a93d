package sdk

import (
	"context"
)

// Adapter is implemented by every adapter.
type Adapter interface {
	// Describe returns the adapter's name, version, settings and capabilities. It must not depend on a configuration,
	// use the network, or fail. The gateway uses the first description until a reload of the configuration replaces the
	// process. It refuses a later process of the same adapter if the description differs. Only the version, the vendor,
	// the event reasons, the attributes and the explanations of settings may differ.
	Describe() Description

	// Configure prepares one channel, or replaces the configuration of the channel with the same name. Running calls
	// may finish with the earlier configuration. The same configuration must give the same endpoint in every process.
	// Configure must not use the network, because `patchbay check` calls it. Its error names the setting that is wrong.
	Configure(ctx context.Context, ch Channel) (Endpoint, error)
}

// Validator is implemented by adapters whose settings need checks that a JSON Schema cannot express.
type Validator interface {
	// Validate returns the problems of a channel's settings. It must not use the network.
	Validate(ch Channel) []Problem
}

// HealthChecker is implemented by adapters that can report whether the vendor is usable.
type HealthChecker interface {
	// Health returns nil if the channel works, and otherwise the problem, for operators. The SDK calls it every five
	// seconds. It must return within a second, and need not call the vendor.
	Health(ctx context.Context, channel string) error
}

// Drainer is implemented by adapters with background work.
type Drainer interface {
	// Drain returns when the adapter's background work is finished, or when ctx ends. The SDK itself waits for running
	// calls.
	Drain(ctx context.Context) error
}
