package harness

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

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
	dir := os.Getenv("PATCHBAY_BIN")
	if dir == "" {
		dir = filepath.Join(Root(), "bin")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		panic(err) // there is no working directory
	}
	return abs
})

// Root returns the repository's folder.
var Root = sync.OnceValue(func() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			panic("no go.mod above " + dir)
		}
	}
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
