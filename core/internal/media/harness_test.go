package media

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
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

// chunkBytes is how much the pretend vendors send at a time.
const chunkBytes = 1000

// vendor is a pretend source. What it has is found by a part's Ref, or else URL.
type vendor struct {
	mu     sync.Mutex
	has    map[string]medium
	asked  []Request
	active int
	most   int // at once
}

// medium is what a vendor has.
type medium struct {
	Info
	data []byte
	err  error         // after the data
	wait chan struct{} // if set, the last chunk waits until it is closed or ctx ends
}

func (v *vendor) put(handle string, m medium) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.has == nil {
		v.has = map[string]medium{}
	}
	v.has[handle] = m
}

// requests returns how often a handle was asked for.
func (v *vendor) requests(handle string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := 0
	for _, r := range v.asked {
		if r.Part.Ref == handle || r.Part.URL == handle {
			n++
		}
	}
	return n
}

func (v *vendor) begin(req Request) medium {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked = append(v.asked, req)
	v.active++
	v.most = max(v.most, v.active)
	return v.has[req.Part.URL+req.Part.Ref]
}

func (v *vendor) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.active--
}

// Fetch implements Source.
func (v *vendor) Fetch(ctx context.Context, req Request, info func(Info) error, chunk func([]byte) error) error {
	m := v.begin(req)
	defer v.end()
	if m.data == nil && m.err == nil {
		return fmt.Errorf("the vendor has no %q", req.Part.URL+req.Part.Ref)
	}
	if err := info(m.Info); err != nil {
		return fmt.Errorf("told: %w", err)
	}
	buf := make([]byte, chunkBytes) // used again and again, as its owner may
	for rest := m.data; len(rest) > 0; {
		n := copy(buf, rest)
		rest = rest[n:]
		if len(rest) == 0 && m.wait != nil {
			select {
			case <-m.wait:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := chunk(buf[:n]); err != nil {
			return fmt.Errorf("told: %w", err)
		}
	}
	return m.err
}

// counts observes.
type counts struct {
	mu      sync.Mutex
	fetched []string // channel and result
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

// clock is a time that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is a store under test with what is around it.
type bench struct {
	*Store
	t      *testing.T
	dir    string
	vendor *vendor
	counts *counts
	clock  *clock
	logs   *bytes.Buffer
}

// open opens a store with room for ten media of 20 kB, in a folder of the test's own.
func open(t *testing.T, change ...func(*Options)) *bench {
	t.Helper()
	b := &bench{
		t: t, dir: filepath.Join(t.TempDir(), "media"), vendor: &vendor{}, counts: &counts{}, logs: &bytes.Buffer{},
		clock: &clock{now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)},
	}
	b.reopen(change...)
	return b
}

// reopen opens the store as the next process would.
func (b *bench) reopen(change ...func(*Options)) {
	b.t.Helper()
	o := Options{
		Dir: b.dir, MaxBytes: 20_000, TotalBytes: 10 * room(20_000), FreeLow: 1, Keep: time.Hour, BaseURL: "https://chat.example.com/x/",
		Source: b.vendor, Logger: slog.New(slog.NewTextHandler(b.logs, nil)), Observer: b.counts, Now: b.clock.Now,
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

// run runs the store until the function it returns is called.
func (b *bench) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); b.Run(ctx) }()
	return func() { cancel(); <-done }
}

func request(part envelope.PartType, ref string) Request {
	return Request{Channel: "desk", Adapter: "aicc", Thread: "t1", State: []byte("s"), Part: envelope.Part{Type: part, Ref: ref}}
}

// must gets an image that the vendor has.
func (b *bench) must(ref string) *Item {
	b.t.Helper()
	i, err := b.Get(b.t.Context(), request(envelope.PartImage, ref), Limit{})
	if err != nil {
		b.t.Fatal(err)
	}
	return i
}

// content reads an item.
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

// files returns the names of the files of one kind in the store's folder.
func (b *bench) files(suffix string) []string {
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

// picture returns a PNG of exactly n bytes, at least 100; what is behind the image is noise.
func picture(n int) []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, image.NewGray(image.Rect(0, 0, 2, 2))) // to memory: can't fail
	for i := 0; b.Len() < n; i++ {
		b.WriteByte(byte(i*7 + i>>8))
	}
	return b.Bytes()[:n]
}

// png1 is a picture with what a careful vendor says of it.
func png1(n int) medium {
	return medium{Info: Info{ContentType: "image/png", Name: "cat.png", Size: int64(n)}, data: picture(n)}
}
