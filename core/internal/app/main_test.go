package app

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// hostilePath is the path of the built hostile adapter.
var hostilePath string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "hostile-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	hostilePath = filepath.Join(dir, "hostile")
	build := exec.Command("go", "build", "-o", hostilePath, "patchbay/core/internal/plugin/hostile")
	build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr // as in a release
	if err := build.Run(); err != nil {
		panic(fmt.Sprintf("build the hostile adapter: %v", err))
	}
	return m.Run()
}
