package adaptertest

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"go.uber.org/goleak"
)

// evil is the path of the built adapter whose flaws the tests choose.
var evil string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "exam-")
	if err != nil {
		panic(err)
	}
	evil = filepath.Join(dir, "evil")
	build := exec.Command("go", "build", "-o", evil, "patchbay/sdk/adaptertest/evil")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		panic(fmt.Sprintf("build the evil adapter: %v", err))
	}
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0))); err != nil { // exams mostly wait
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}
