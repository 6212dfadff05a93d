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

// programs are the programs under test and the packages that they are built from.
var programs = map[string]string{
	"patchbay": "./core", "native": "./plugins/native", "botwebhook": "./plugins/botwebhook", "aicc": "./plugins/aicc",
}

// Main is for TestMain. It builds missing programs, runs the tests, checks for leaked goroutines, and returns the exit
// code. The programs are in the folder $PATCHBAY_BIN, or else in the repository's bin. Main does not rebuild existing
// programs: to test a change, build them first and use -count=1.
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

// Binary returns the absolute path of a program.
func Binary(name string) string { return filepath.Join(binaries(), name) }

var binaries = sync.OnceValue(func() string {
	dir, err := filepath.Abs(cmp.Or(os.Getenv("PATCHBAY_BIN"), filepath.Join(Root(), "bin")))
	if err != nil {
		panic(err) // there is no working directory
	}
	return dir
})

// Root returns the repository's folder.
var Root = sync.OnceValue(func() string {
	file, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		panic(err) // go test puts go into PATH
	}
	return filepath.Dir(strings.TrimSpace(string(file)))
})

func build() error {
	if err := os.MkdirAll(binaries(), 0o755); err != nil {
		return err
	}
	for name, pkg := range programs {
		if _, err := os.Stat(Binary(name)); !errors.Is(err, fs.ErrNotExist) {
			continue // it exists, or the test that uses it fails
		}
		cmd := exec.Command("go", "build", "-o", Binary(name), pkg)
		cmd.Dir = Root()
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", pkg, err, out)
		}
	}
	return nil
}

// Patience is the timeout for an expected event on a loaded machine.
const Patience = 30 * time.Second

// Eventually waits until pending returns "". After the timeout it fails the test with the last reason.
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
			t.Fatalf("%s: not within %s: %s", event, within, reason)
		}
		<-tick.C
	}
}

// Soon returns a context that ends after Patience or with the test.
func Soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	t.Cleanup(cancel)
	return ctx
}
