package settingsdoc_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/settingsdoc"
)

type verify struct {
	Mode   string        `json:"mode" patchbay:"required,enum=signature|bearer" doc:"How."`
	Window time.Duration `json:"window" patchbay:"default=5m" doc:"How long."`
}

type settings struct {
	Base   string            `json:"base_url" patchbay:"required,vendor-address" doc:"Where,\n a|b."`
	Key    sdk.Secret        `json:"key" doc:"Secret."`
	Count  int               `json:"count" patchbay:"default=3" doc:"How many."`
	Agents []string          `json:"agents" doc:"Who."`
	Vars   map[string]string `json:"vars"`
	Verify verify            `json:"verify"`
}

const want = "| setting | type | default | meaning |\n|---|---|---|---|\n" +
	"| `base_url` | string | required | Where, a\\|b. |\n" +
	"| `key` | secret |  | Secret. |\n" +
	"| `count` | integer | `3` | How many. |\n" +
	"| `agents` | list of string |  | Who. |\n" +
	"| `vars` | map |  |  |\n" +
	"| `verify.mode` | `signature`, `bearer` | required | How. |\n" +
	"| `verify.window` | duration | `5m` | How long. |\n"

func TestTable(t *testing.T) {
	schema, err := sdk.Schema(&settings{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := settingsdoc.Table(schema)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("table differs (-want +got):\n%s", diff)
	}
}

func TestTableOfNoSchema(t *testing.T) {
	for _, s := range []string{"", "[]", `{"properties":[]}`, `{"properties":{"a":1}}`, `{"properties":{"a":{"properties":{"b":[]},"type":"object"}}}`} {
		if table, err := settingsdoc.Table([]byte(s)); err == nil {
			t.Errorf("%q gave a table: %q", s, table)
		}
	}
}

func TestInsert(t *testing.T) {
	got, err := settingsdoc.Insert("# X\n"+settingsdoc.Begin+"\nold\n"+settingsdoc.End+"\nmore\n", "new\n")
	if err != nil || got != "# X\n"+settingsdoc.Begin+"\nnew\n"+settingsdoc.End+"\nmore\n" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, doc := range []string{"", settingsdoc.Begin + "\n", settingsdoc.End + "\n" + settingsdoc.Begin + "\n"} {
		if _, err := settingsdoc.Insert(doc, "new\n"); !errors.Is(err, settingsdoc.ErrNoPlace) {
			t.Errorf("%q: %v", doc, err)
		}
	}
}

func TestSync(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	if err := settingsdoc.Sync(path, &settings{}, true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no document: %v", err)
	}
	if err := os.WriteFile(path, []byte("# X\n"+settingsdoc.Begin+"\n"+settingsdoc.End+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := settingsdoc.Sync(path, &settings{}, false); !errors.Is(err, settingsdoc.ErrStale) {
		t.Errorf("a stale document: %v", err)
	}
	for _, write := range []bool{true, false, true} {
		if err := settingsdoc.Sync(path, &settings{}, write); err != nil {
			t.Fatalf("write %v: %v", write, err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != "# X\n"+settingsdoc.Begin+"\n"+want+settingsdoc.End+"\n" {
		t.Errorf("document %q, %v", got, err)
	}
	if err := settingsdoc.Sync(path, 7, false); err == nil {
		t.Error("settings that are none passed")
	}
}
