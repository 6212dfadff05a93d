// Package e2e sees the gateway from outside: the built programs, real sockets, pretend vendors.
package e2e

import (
	"os"
	"testing"

	"patchbay/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
