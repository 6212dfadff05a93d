// Package e2e tests the built programs from outside, over real sockets, with simulated vendors.
package e2e

import (
	"os"
	"testing"

	"patchbay/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
