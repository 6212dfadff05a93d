// Package e2e tests the built programs with simulated vendors, over sockets.
package e2e

import (
	"os"
	"testing"

	"patchbay/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
