package crashdisk_test

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/store/crashdisk"
)

// files returns the files after operations and a power cut, and their contents. The names of folders end with a slash.
func files(t *testing.T, ops []crashdisk.Op, loss crashdisk.Loss, seed uint64) map[string]string {
	t.Helper()
	var disk crashdisk.Disk
	for _, op := range ops {
		if err := disk.Apply(op); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	if err := disk.Save(dir, loss, rand.New(rand.NewPCG(seed, seed))); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		if entry.IsDir() {
			found[path+"/"] = ""
			return nil
		}
		content, err := os.ReadFile(filepath.Join(dir, path))
		found[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func write(path, text string) crashdisk.Op {
	return crashdisk.Op{Kind: crashdisk.Write, Path: path, Data: []byte(text)}
}

func TestPowerCutKeepsOnlySyncedOperations(t *testing.T) {
	t.Parallel()
	create, sync := crashdisk.Op{Kind: crashdisk.Create, Path: "a"}, crashdisk.Op{Kind: crashdisk.Sync, Path: "a"}
	folder := crashdisk.Op{Kind: crashdisk.Sync, Path: "."}
	rename := crashdisk.Op{Kind: crashdisk.Rename, Path: "a", To: "b"}
	failSync := crashdisk.Op{Kind: crashdisk.FailSync, Path: "a"}
	for name, test := range map[string]struct {
		ops  []crashdisk.Op
		want map[string]string
	}{
		"nothing synced":     {[]crashdisk.Op{create, write("a", "x")}, map[string]string{}},
		"content synced":     {[]crashdisk.Op{create, write("a", "x"), sync}, map[string]string{}},
		"name synced":        {[]crashdisk.Op{create, write("a", "x"), folder}, map[string]string{"a": ""}},
		"both synced":        {[]crashdisk.Op{create, write("a", "x"), sync, folder}, map[string]string{"a": "x"}},
		"write after sync":   {[]crashdisk.Op{create, write("a", "x"), sync, folder, write("a", "y")}, map[string]string{"a": "x"}},
		"rename not synced":  {[]crashdisk.Op{create, sync, folder, rename}, map[string]string{"a": ""}},
		"rename synced":      {[]crashdisk.Op{create, sync, folder, rename, folder}, map[string]string{"b": ""}},
		"forgotten by error": {[]crashdisk.Op{create, folder, write("a", "x"), failSync, sync}, map[string]string{"a": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, files(t, test.ops, crashdisk.LoseAll, 0)); diff != "" {
				t.Errorf("files differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPowerCutCanKeepAnySubset(t *testing.T) {
	t.Parallel()
	ops := []crashdisk.Op{
		{Kind: crashdisk.MakeDir, Path: "d"}, {Kind: crashdisk.Sync, Path: "."},
		{Kind: crashdisk.Create, Path: "d/a"}, {Kind: crashdisk.Create, Path: "d/b"}, write("d/a", "x"),
	}
	seen := map[string]bool{}
	for seed := range uint64(200) {
		found := files(t, ops, crashdisk.LoseSome, seed)
		_, a := found["d/a"]
		_, b := found["d/b"]
		seen[map[bool]string{true: "a", false: "-"}[a]+map[bool]string{true: "b", false: "-"}[b]+found["d/a"]] = true
	}
	want := map[string]bool{"--": true, "a-": true, "-b": true, "ab": true, "a-x": true, "abx": true}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("outcomes differ (-want +got):\n%s", diff)
	}
	all := map[string]string{"d/": "", "d/a": "x", "d/b": ""}
	if diff := cmp.Diff(all, files(t, ops, crashdisk.LoseNone, 0)); diff != "" {
		t.Errorf("after a kill, files differ (-want +got):\n%s", diff)
	}
}
