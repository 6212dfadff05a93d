// Package crash kills the gateway and its adapters under load, and judges from outside what became of every message:
// by what the pretend vendors saw and by what the operators' API tells.
//
// PATCHBAY_CRASHES changes how often the gateway is killed, PATCHBAY_SEED repeats the choices of a former run.
package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"patchbay/test/harness"
)

func TestMain(m *testing.M) {
	code := harness.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// number returns a whole number from the environment, or usual.
func number(t *testing.T, name string, usual int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return usual
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q: must be a whole number from 1", name, v)
	}
	return n
}

// seed returns what all choices of the test follow from, and says it.
func seed(t *testing.T) uint64 {
	t.Helper()
	s := uint64(number(t, "PATCHBAY_SEED", rand.IntN(1_000_000)+1))
	t.Logf("PATCHBAY_SEED=%d", s)
	return s
}

// chance returns a source of choices that belongs to one goroutine, named by parts.
func chance(seed uint64, parts ...any) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, b := range []byte(fmt.Sprint(parts...)) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(seed, h))
}
