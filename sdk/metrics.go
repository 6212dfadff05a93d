package sdk

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// RegisterCollector registers a collector of an adapter with [Host.Registry]. If another channel of the process has
// registered an equal collector, it returns that collector, so that all channels share it. With a nil registry it
// returns c.
func RegisterCollector[C prometheus.Collector](registry prometheus.Registerer, c C) (C, error) {
	if registry == nil {
		return c, nil
	}
	err := registry.Register(c)
	if registered, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if existing, ok := registered.ExistingCollector.(C); ok {
			return existing, nil
		}
	}
	if err != nil {
		return c, fmt.Errorf("register metric: %w", err)
	}
	return c, nil
}
