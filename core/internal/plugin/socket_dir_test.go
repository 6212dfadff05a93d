package plugin

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSocketFoldersOfEndedProcessesAreRemoved(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	dead, own, parent := strconv.Itoa(gone.Process.Pid), strconv.Itoa(os.Getpid()), strconv.Itoa(os.Getppid())
	temp, run := shortDir(t), filepath.Join(shortDir(t), "run")
	t.Setenv("TMPDIR", temp)
	folder := func(path ...string) string {
		dir := filepath.Join(path...)
		if err := os.MkdirAll(filepath.Join(dir, "native", "i1"), 0o700); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for _, name := range []string{"patchbay-" + dead + "-1", "patchbay-" + own + "-1", "patchbay-" + parent + "-1", "patchbay-mine", "other-" + dead} {
		folder(temp, name)
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(folder(temp, "patchbay-"+own+"-2"), long, long); err != nil { // of an earlier process with our id
		t.Fatal(err)
	}
	for _, name := range []string{dead, parent, "mine"} {
		folder(run, name)
	}
	dir, release := ClaimRuntimeDir(run)
	sockets, err := socketDir(&Options{RuntimeDir: dir, Name: "native"}, 1)
	if err != nil || sockets != filepath.Join(dir, "native", "i1") {
		t.Errorf("socketDir = %s, %v, want a folder below %s", sockets, err, dir)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%s: %v %v, want a folder for the owner alone", dir, info, err)
	}
	left := func(dir string) map[string]bool {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, e := range entries {
			names[e.Name()] = true
		}
		return names
	}
	want := map[string]bool{"patchbay-" + own + "-1": true, "patchbay-" + parent + "-1": true, "patchbay-mine": true, "other-" + dead: true}
	if diff := cmp.Diff(want, left(temp)); diff != "" {
		t.Errorf("left in the temporary directory, differs:\n%s", diff)
	}
	if diff := cmp.Diff(map[string]bool{own: true, parent: true, "mine": true}, left(run)); diff != "" {
		t.Errorf("left in %s, differs:\n%s", run, diff)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]bool{parent: true, "mine": true}, left(run)); diff != "" {
		t.Errorf("left after release, differs:\n%s", diff)
	}
}

func TestSocketsUseTheTempFolderIfTheirsCanNotBeCreated(t *testing.T) {
	file := filepath.Join(shortDir(t), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, "", func(o *Options) { o.RuntimeDir = filepath.Join(file, "run") })
	r.ready()
}
