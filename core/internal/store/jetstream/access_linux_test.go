package jetstream

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is the id of the user nobody.
const nobody = 65534

func TestWrongOwnerIsNotDamage(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "lock", "watermark", "jetstream/$G/streams"} {
		t.Run("of "+filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, Options{Dir: t.TempDir()})
			if err := h.log.Append(t.Context(), 0, []byte("record")); err != nil {
				t.Fatal(err)
			}
			h.log.Close()
			path := filepath.Join(h.options.Dir, path)
			output := openUnprivileged(t, h.options.Dir, path)
			for _, want := range []string{path + ":", "has the owner ", "runs as ", "change the owner"} {
				if !strings.Contains(output, want) {
					t.Errorf("Open = %q, want it to contain %q", output, want)
				}
			}
			if strings.Contains(output, "damaged") {
				t.Errorf("Open = %q, want no damage", output)
			}
		})
	}
}

// openUnprivileged opens the store in another process, which has no access to path, and returns the error.
func openUnprivileged(t *testing.T, dir, path string) string {
	t.Helper()
	child := exec.CommandContext(withTimeout(t), "/proc/self/exe") // the folder of this program may be private
	child.Env = append(os.Environ(), childDir+"="+dir)
	if os.Geteuid() == 0 {
		if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
			t.Fatal(err)
		}
		changeOwner(t, dir, path)
		child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	} else {
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(path, 0o700) }) // for the removal of the folder
	}
	output, err := child.CombinedOutput()
	if err == nil {
		t.Fatalf("Open succeeds without access to %s", path)
	}
	return string(output)
}

// changeOwner changes the owner of all files in dir to nobody, except path.
func changeOwner(t *testing.T, dir, path string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(at string, _ os.DirEntry, err error) error {
		if err != nil || at == path {
			return err
		}
		return os.Chown(at, nobody, nobody)
	})
	if err != nil {
		t.Fatal(err)
	}
}
