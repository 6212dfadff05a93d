package jetstream

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"patchbay/core/internal/store"
)

func TestOpenInTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	child := exec.CommandContext(withTimeout(t), os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { child.Process.Kill(); child.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, out)

	log, err := Open(t.Context(), Options{Dir: dir, Logger: testLogger(t)})
	if !errors.Is(err, store.ErrLocked) {
		t.Fatalf("Open of a store in use = %v, %v, want ErrLocked", log, err)
	}
	for _, want := range []string{dir, strconv.Itoa(child.Process.Pid)} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Open of a store in use = %q, want it to contain %s", err, want)
		}
	}
}
