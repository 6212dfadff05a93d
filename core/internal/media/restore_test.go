package media

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk/envelope"
)

func TestItemsAndLinksSurviveRestart(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(5000))
	b.vendor.put("note", medium{Info: Info{ContentType: "image/png", Name: "x.html"}, data: []byte("<html>")})
	before := b.must("cat")
	if _, err := b.Get(t.Context(), request(envelope.PartFile, "note"), Limit{}); err != nil {
		t.Fatal(err)
	}
	link := b.Link(before)
	b.clock.advance(time.Minute)
	b.reopen()
	after := b.must("cat")
	fields := func(i *Item) []any { return []any{i.ID, i.Info, i.Expires} }
	if diff := cmp.Diff(fields(before), fields(after)); diff != "" {
		t.Errorf("item (-want +got)\n%s", diff)
	}
	if !bytes.Equal(content(t, after), picture(5000)) || b.vendor.requests("cat") != 1 {
		t.Errorf("other bytes than before, or %d requests", b.vendor.requests("cat"))
	}
	if r := b.sendRequest("GET", link); r.StatusCode != 200 || !bytes.Equal(body(t, r), picture(5000)) {
		t.Errorf("link: status %d", r.StatusCode)
	}
	_, err := b.Get(t.Context(), request(envelope.PartImage, "note"), Limit{})
	if !matchesError(err, wrongType("image/png", "text/html")) {
		t.Errorf("error = %v", err)
	}
	b.expectFilesOfItems()
}

func TestMetadataArePrivate(t *testing.T) {
	b := open(t)
	b.vendor.put("https://vendor.example/secret-token", png1(100))
	req := request(envelope.PartImage, "")
	req.Part.URL, req.Thread, req.Part.Text = "https://vendor.example/secret-token", "customer-4711", "my words"
	i, err := b.Get(t.Context(), req, Limit{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(b.path(i.ID, metadataSuffix))
	if err != nil {
		t.Fatal(err)
	}
	for _, private := range []string{"secret", "4711", "my words", "vendor.example"} {
		if strings.Contains(string(text), private) {
			t.Errorf("the metadata contain %q: %s", private, text)
		}
	}
	for path, want := range map[string]os.FileMode{
		"": 0o700, "key": 0o600, i.ID + dataSuffix: 0o600, i.ID + metadataSuffix: 0o600,
	} {
		info, err := os.Stat(filepath.Join(b.dir, path))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v, %v", path, info.Mode(), err)
		}
	}
}

// Incomplete and damaged items are deleted at the start and fetched again.
func TestDamagedItemsAreDeleted(t *testing.T) {
	for _, tc := range []struct {
		name   string
		damage func(b *testStore, i *Item) error
	}{
		{"unfinished data", func(b *testStore, i *Item) error {
			return errors.Join(os.Rename(b.path(i.ID, dataSuffix), b.path(i.ID, tempSuffix)),
				os.Remove(b.path(i.ID, metadataSuffix)))
		}},
		{"no metadata", func(b *testStore, i *Item) error { return os.Remove(b.path(i.ID, metadataSuffix)) }},
		{"unfinished metadata", func(b *testStore, i *Item) error {
			return os.Rename(b.path(i.ID, metadataSuffix), b.path(i.ID, tempSuffix))
		}},
		{"no data", func(b *testStore, i *Item) error { return os.Remove(b.path(i.ID, dataSuffix)) }},
		{"fewer bytes", func(b *testStore, i *Item) error { return os.Truncate(b.path(i.ID, dataSuffix), 10) }},
		{"more bytes", func(b *testStore, i *Item) error { return os.Truncate(b.path(i.ID, dataSuffix), 10_000) }},
		{"empty metadata", func(b *testStore, i *Item) error { return os.Truncate(b.path(i.ID, metadataSuffix), 0) }},
		{"truncated metadata", func(b *testStore, i *Item) error { return os.Truncate(b.path(i.ID, metadataSuffix), 50) }},
		{"oversized metadata", func(b *testStore, i *Item) error {
			return os.Truncate(b.path(i.ID, metadataSuffix), maxMetadata+1)
		}},
		{"data is a folder", func(b *testStore, i *Item) error {
			return errors.Join(os.Remove(b.path(i.ID, dataSuffix)), os.Mkdir(b.path(i.ID, dataSuffix), 0o700))
		}},
		{"data is a symbolic link", func(b *testStore, i *Item) error {
			return errors.Join(os.Remove(b.path(i.ID, dataSuffix)), os.Symlink("/dev/zero", b.path(i.ID, dataSuffix)))
		}},
		{"metadata is a symbolic link", func(b *testStore, i *Item) error {
			return errors.Join(os.Remove(b.path(i.ID, metadataSuffix)), os.Symlink("/dev/zero", b.path(i.ID, metadataSuffix)))
		}},
		{"metadata of another item", func(b *testStore, i *Item) error { return b.edit(i, i.ID, newID()) }},
		{"newer version", func(b *testStore, i *Item) error { return b.edit(i, `"version":2`, `"version":3`) }},
		{"path traversal in name", func(b *testStore, i *Item) error { return b.edit(i, "cat.png", "../cat.png") }},
		{"invalid type", func(b *testStore, i *Item) error {
			return b.edit(i, `"content_type":"image/png"`, `"content_type":"a\r\nb: c"`)
		}},
		{"short digest", func(b *testStore, i *Item) error { return b.edit(i, `"source":"`, `"source":"","x":"`) }},
		{"no checksum", func(b *testStore, i *Item) error { return b.edit(i, `"sha256":"`, `"sha256":"","x":"`) }},
		{"invalid checksum", func(b *testStore, i *Item) error { return b.edit(i, `"sha256":"`, `"sha256":"g`) }},
		{"long digest", func(b *testStore, i *Item) error { return b.edit(i, `"source":"`, `"source":"00`) }},
		{"expired", func(b *testStore, i *Item) error { b.clock.advance(time.Hour); return nil }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := open(t)
			b.vendor.put("cat", png1(5000))
			i := b.must("cat")
			if err := tc.damage(b, i); err != nil {
				t.Fatal(err)
			}
			b.reopen()
			if len(b.items) != 0 || b.used != 0 {
				t.Errorf("%d items of %d bytes, want none", len(b.items), b.used)
			}
			b.expectFilesOfItems()
			if again := b.must("cat"); again.ID == i.ID || b.vendor.requests("cat") != 2 {
				t.Errorf("not fetched again")
			}
		})
	}
}

// edit replaces text in an item's metadata.
func (b *testStore) edit(i *Item, from, to string) error {
	text, err := os.ReadFile(b.path(i.ID, metadataSuffix))
	if err != nil {
		return err
	}
	changed := strings.Replace(string(text), from, to, 1)
	if changed == string(text) {
		return errors.New("the metadata do not contain " + from)
	}
	return os.WriteFile(b.path(i.ID, metadataSuffix), []byte(changed), 0o600)
}

func TestRestoreKeepsOtherFiles(t *testing.T) {
	b := open(t)
	for _, name := range []string{"README", "x.json", "x.data", "lost+found.part"} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.reopen()
	for _, name := range []string{"README", "x.json", "x.data", "lost+found.part"} {
		if _, err := os.Stat(filepath.Join(b.dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestRestoreAppliesNewLimits(t *testing.T) {
	b := open(t)
	items := b.fill("a", 5)
	b.reopen(func(o *Options) { o.TotalBytes = 2 * diskSize(20_000) })
	if len(b.items) != 2 || b.used > b.opt.TotalBytes {
		t.Errorf("%d items of %d bytes", len(b.items), b.used)
	}
	b.expectFilesOfItems()
	b.clock.advance(time.Minute)
	b.reopen(func(o *Options) { o.Keep = 10 * time.Minute })
	if got := b.items[items[4].ID]; got == nil || got.Expires.Sub(b.clock.Now()) != 9*time.Minute-time.Millisecond {
		t.Errorf("item = %+v", got)
	}
	b.reopen(func(o *Options) { o.Keep = 100 * time.Hour })
	if got := b.items[items[4].ID]; got == nil || got.Expires != items[4].Expires {
		t.Errorf("item = %+v, want the earlier expiry %s", got, items[4].Expires)
	}
	b.reopen(func(o *Options) { o.MaxBytes = 10_000 })
	if len(b.items) != 0 {
		t.Errorf("%d items exceed the new MaxBytes", len(b.items))
	}
}
