package media

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"patchbay/sdk/envelope"
)

// counts is an Observer that records its calls.
type counts struct {
	mu      sync.Mutex
	fetched []string // "channel result"
	served  []int
	bytes   int64
	items   int
}

func (c *counts) Fetched(channel, result string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fetched = append(c.fetched, channel+" "+result)
}

func (c *counts) Served(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.served = append(c.served, status)
}

func (c *counts) Stored(bytes int64, items int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes, c.items = bytes, items
}

func (c *counts) results() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.fetched)
}

func (c *counts) stored() (int64, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes, c.items
}

// clock is a manual clock.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// testStore is a store with a fake vendor, a manual clock, an observer and the log output.
type testStore struct {
	*Store
	t      *testing.T
	dir    string
	vendor *vendor
	counts *counts
	clock  *clock
	logs   *bytes.Buffer
}

// open opens a store in a temporary folder. It has room for ten media of 20 kB.
func open(t *testing.T, change ...func(*Options)) *testStore {
	t.Helper()
	b := &testStore{
		t: t, dir: filepath.Join(t.TempDir(), "media"), vendor: &vendor{}, counts: &counts{}, logs: &bytes.Buffer{},
		clock: &clock{now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)},
	}
	b.reopen(change...)
	return b
}

// reopen opens the store again, as after a restart.
func (b *testStore) reopen(change ...func(*Options)) {
	b.t.Helper()
	o := Options{
		Dir: b.dir, MaxBytes: 20_000, TotalBytes: 10 * diskSize(20_000), FreeLow: 1, Keep: time.Hour,
		BaseURL: "https://chat.example.com/x/",
		Source:  b.vendor, Logger: slog.New(slog.NewTextHandler(b.logs, nil)), Observer: b.counts, Now: b.clock.Now,
	}
	for _, f := range change {
		f(&o)
	}
	s, err := Open(o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Store = s
}

// run starts Run. stop ends Run and waits for its return.
func (b *testStore) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); b.Run(ctx) }()
	return func() { cancel(); <-done }
}

func request(part envelope.PartType, ref string) Request {
	return Request{Channel: "desk", Thread: "t1", State: []byte("s"), Part: envelope.Part{Type: part, Ref: ref}}
}

// must gets an image. It fails the test if Get returns an error.
func (b *testStore) must(ref string) *Item {
	b.t.Helper()
	i, err := b.Get(b.t.Context(), request(envelope.PartImage, ref), Limit{})
	if err != nil {
		b.t.Fatal(err)
	}
	return i
}

// content returns the bytes of an item.
func content(t *testing.T, i *Item) []byte {
	t.Helper()
	r, err := i.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// files returns the names of the store's files with a suffix.
func (b *testStore) files(suffix string) []string {
	b.t.Helper()
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			out = append(out, e.Name())
		}
	}
	return out
}

// expectFilesOfItems checks that the files on disk are those of the items, and that there is no temporary file.
func (b *testStore) expectFilesOfItems() {
	b.t.Helper()
	b.mu.Lock()
	items, used := len(b.items), b.used
	var want int64
	for _, i := range b.items {
		want += diskSize(i.Size)
	}
	b.mu.Unlock()
	if used != want {
		b.t.Errorf("used = %d bytes, want %d", used, want)
	}
	if data, records, temp := b.files(dataSuffix), b.files(metadataSuffix), b.files(tempSuffix); len(data) != items ||
		len(records) != items || len(temp) != 0 {
		b.t.Errorf("%d items, on disk %v %v %v", items, data, records, temp)
	}
}
