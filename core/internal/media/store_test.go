package media

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOpenFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"the folder is a file":              {Dir: file},
		"the parent is a file":              {Dir: filepath.Join(file, "media")},
		"MaxBytes above TotalBytes":         {Dir: t.TempDir(), MaxBytes: 1000, TotalBytes: 8000},
		"the key is a folder":               {Dir: withKeyFolder(t)},
		"default MaxBytes above TotalBytes": {Dir: t.TempDir(), TotalBytes: 1 << 20},
	} {
		o.Logger = open(t).opt.Logger
		if s, err := Open(o); err == nil || s != nil || !strings.Contains(err.Error(), "open media in "+o.Dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenSetsDefaults(t *testing.T) {
	s, err := Open(Options{Dir: t.TempDir(), BaseURL: "http://127.0.0.1:8080"})
	if err != nil {
		t.Fatal(err)
	}
	if s.opt.MaxBytes != 20<<20 || s.opt.TotalBytes != 1<<30 || s.opt.Keep != 24*time.Hour || s.opt.Now == nil {
		t.Errorf("options = %+v", s.opt)
	}
}
