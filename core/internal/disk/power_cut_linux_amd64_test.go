package disk_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"patchbay/core/internal/disk"
	"patchbay/core/internal/store/crashdisk"
)

// childDir is an environment variable. If it is set, the test binary writes files to this folder instead of testing.
const childDir = "PATCHBAY_DISK_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := replaceTwice(filepath.Join(dir, "new", "folder")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// replaceTwice creates a folder with a file, replaces the file, and prints a line after each step.
func replaceTwice(dir string) error {
	if err := disk.MakeFolder(dir); err != nil {
		return err
	}
	for _, content := range []string{"first", "second"} {
		if err := disk.Replace(filepath.Join(dir, "file"), []byte(content)); err != nil {
			return err
		}
		fmt.Println(content)
	}
	return nil
}

// TestPowerCut simulates a power cut after each operation.
func TestPowerCut(t *testing.T) {
	var ops []crashdisk.Op
	tracer := crashdisk.Tracer{Root: t.TempDir(), Record: func(op crashdisk.Op) bool { ops = append(ops, op); return true }}
	child := exec.Command(os.Args[0])
	child.Env, child.Stderr = append(os.Environ(), childDir+"="+tracer.Root), os.Stderr
	if err := tracer.Run(child); errors.Is(err, unix.EPERM) {
		t.Skipf("this environment does not allow tracing: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(8, 3))
	printed := 0
	for cut := range len(ops) + 1 {
		allowed := [][]string{{"", "first"}, {"first", "second"}, {"second"}}[printed]
		for _, loss := range append([]crashdisk.Loss{crashdisk.LoseSome, crashdisk.LoseSome}, crashdisk.Losses...) {
			if got := contentAfterCut(t, ops[:cut], loss, random); got != allowed[0] && got != allowed[len(allowed)-1] {
				t.Errorf("after %d of %d operations, loss %d: content %q, want one of %q", cut, len(ops), loss, got, allowed)
			}
		}
		if cut < len(ops) && ops[cut].Kind == crashdisk.Print {
			printed++
		}
	}
	if printed != 2 {
		t.Errorf("%d steps recorded, want 2", printed)
	}
}

// contentAfterCut returns the content of the file after a power cut, "" if there is none.
func contentAfterCut(t *testing.T, ops []crashdisk.Op, loss crashdisk.Loss, random *rand.Rand) string {
	t.Helper()
	var model crashdisk.Disk
	for _, op := range ops {
		if err := model.Apply(op); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	if err := model.Save(dir, loss, random); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "new", "folder", "file"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(content)
}
