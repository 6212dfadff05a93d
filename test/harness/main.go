package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// programs maps the names of the programs under test to their packages.
var programs = map[string]string{
	"patchbay": "./core", "native": "./plugins/native", "botwebhook": "./plugins/botwebhook", "aicc": "./plugins/aicc",
}

// Main runs the tests for TestMain and returns the exit code. Before the tests it builds missing programs under test.
// After the tests it checks for leaked goroutines. The programs are in the folder $PATCHBAY_BIN, else in the
// repository's folder bin. Main does not rebuild existing programs: to test a change, build them first and use
// -count=1.
func Main(m *testing.M) int {
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, "build the programs under test:", err)
		return 1
	}
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "after the tests:", err)
		return 1
	}
	return code
}

// Binary returns the absolute path of a program under test.
func Binary(name string) string { return filepath.Join(binaries(), name) }

var binaries = sync.OnceValue(func() string {
	dir, err := filepath.Abs(cmp.Or(os.Getenv("PATCHBAY_BIN"), filepath.Join(Root(), "bin")))
	if err != nil {
		panic(err) // the working directory does not exist
	}
	return dir
})

// Root returns the repository's folder.
var Root = sync.OnceValue(func() string {
	file, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		panic(err) // go test has added go to PATH
	}
	return filepath.Dir(strings.TrimSpace(string(file)))
})

func build() error {
	if err := os.MkdirAll(binaries(), 0o755); err != nil {
		return err
	}
	for name, pkg := range programs {
		if _, err := os.Stat(Binary(name)); !errors.Is(err, fs.ErrNotExist) {
			continue // it exists, or the tests fail when they start it
		}
		cmd := exec.Command("go", "build", "-o", Binary(name), pkg)
		cmd.Dir = Root()
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", pkg, err, out)
		}
	}
	return nil
}

// Timeout is the maximum time to wait for an expected event. It is long enough for a busy machine.
const Timeout = 30 * time.Second

// Eventually calls pending repeatedly until it returns "". After the time within, it fails the test with the last
// reason.
func Eventually(t testing.TB, within time.Duration, event string, pending func() (reason string)) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		reason := pending()
		if reason == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: did not happen within %s: %s", event, within, reason)
		}
		<-tick.C
	}
}

// TestContext returns a context that ends after Timeout, or when the test ends.
func TestContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), Timeout)
	t.Cleanup(cancel)
	return ctx
}
