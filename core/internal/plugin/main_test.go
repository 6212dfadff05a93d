package plugin

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// hostilePath is the path of the built hostile adapter.
var hostilePath string

// hostEnv is an environment variable. If it is set, the test binary is a gateway that runs one adapter until it is
// killed.
const hostEnv = "PATCHBAY_TEST_HOST"

func TestMain(m *testing.M) {
	if path := os.Getenv(hostEnv); path != "" {
		os.Exit(runAsHost(path))
	}
	dir, err := os.MkdirTemp("", "hostile-")
	if err != nil {
		panic(err)
	}
	hostilePath = filepath.Join(dir, "hostile")
	build := exec.Command("go", "build", "-o", hostilePath, "patchbay/core/internal/plugin/hostile")
	build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr // as in a release
	if err := build.Run(); err != nil {
		panic(fmt.Sprintf("build the hostile adapter: %v", err))
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// runAsHost runs a host. It prints the id of the plugin process when the adapter is ready, and then waits.
func runAsHost(path string) int {
	h := New(Options{Name: "hostile", Command: path, Env: []string{"HOSTILE=" + os.Getenv("HOSTILE")}})
	go func() { _ = h.Run(context.Background()) }()
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	if err := h.Wait(ctx); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(h.Status().PID)
	select {}
}
