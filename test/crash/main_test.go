// Package crash kills the gateway and its adapters under load. It then checks the final status of every message with
// the records of the simulated vendors and the trails of the admin API.
//
// PATCHBAY_CRASHES sets the number of kills, PATCHBAY_RELOADS the number of reloads. PATCHBAY_SEED repeats the random
// choices of an earlier run. PATCHBAY_TRAILS is the folder for the trails of failed checks.
package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"patchbay/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// envInt returns a positive number from the environment, or fallback if the variable is empty.
func envInt(t *testing.T, name string, fallback int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return fallback
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q: set it to a positive number", name, v)
	}
	return n
}

// seed returns and logs the seed of all random choices of a test.
func seed(t *testing.T) uint64 {
	t.Helper()
	s := uint64(envInt(t, "PATCHBAY_SEED", rand.IntN(1_000_000)+1))
	t.Logf("PATCHBAY_SEED=%d", s)
	return s
}

// newRand returns a random source for one goroutine. The seed and the parts determine its numbers.
func newRand(seed uint64, parts ...any) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, b := range []byte(fmt.Sprint(parts...)) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(seed, h))
}
