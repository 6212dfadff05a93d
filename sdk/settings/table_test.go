package settings

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type secret struct{}

func (secret) Reveal() string { return "" }

type verify struct {
	Mode   string        `json:"mode" patchbay:"required,enum=signature|bearer" doc:"How."`
	Window time.Duration `json:"window" patchbay:"default=5m" doc:"How long."`
}

type documented struct {
	Base   string            `json:"base_url" patchbay:"required,vendor-address" doc:"Where,\n a|b."`
	Key    secret            `json:"key" doc:"Secret."`
	Count  int               `json:"count" patchbay:"default=3" doc:"How many."`
	Agents []string          `json:"agents" doc:"Who."`
	Vars   map[string]string `json:"vars"`
	Verify verify            `json:"verify"`
}

const wantTable = "| setting | type | default | meaning |\n|---|---|---|---|\n" +
	"| `base_url` | string | required | Where, a\\|b. |\n" +
	"| `key` | secret |  | Secret. |\n" +
	"| `count` | integer | `3` | How many. |\n" +
	"| `agents` | list of string |  | Who. |\n" +
	"| `vars` | map |  |  |\n" +
	"| `verify.mode` | `signature`, `bearer` | required | How. |\n" +
	"| `verify.window` | duration | `5m` | How long. |\n"

func TestTableListsEverySetting(t *testing.T) {
	s, err := Of(&documented{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantTable, s.table()); diff != "" {
		t.Errorf("table differs (-want +got):\n%s", diff)
	}
}

func TestInsert(t *testing.T) {
	got, err := insertTable("# X\n"+TableBegin+"\nold\n"+TableEnd+"\nmore\n", "new\n")
	if err != nil || got != "# X\n"+TableBegin+"\nnew\n"+TableEnd+"\nmore\n" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, doc := range []string{"", TableBegin + "\n", TableEnd + "\n" + TableBegin + "\n"} {
		if _, err := insertTable(doc, "new\n"); !errors.Is(err, ErrNoTable) {
			t.Errorf("%q: %v", doc, err)
		}
	}
}

func TestSync(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	if err := SyncTable(path, &documented{}, true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no document: %v", err)
	}
	if err := os.WriteFile(path, []byte("# X\n"+TableBegin+"\n"+TableEnd+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := SyncTable(path, &documented{}, false); !errors.Is(err, ErrTableOutdated) {
		t.Errorf("a stale document: %v", err)
	}
	for _, write := range []bool{true, false, true} {
		if err := SyncTable(path, &documented{}, write); err != nil {
			t.Fatalf("write %v: %v", write, err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != "# X\n"+TableBegin+"\n"+wantTable+TableEnd+"\n" {
		t.Errorf("document %q, %v", got, err)
	}
	if err := SyncTable(path, 7, false); err == nil {
		t.Error("settings that are none passed")
	}
}
