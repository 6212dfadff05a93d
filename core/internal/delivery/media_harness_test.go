package delivery

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/media"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

const png = "\x89PNG\r\n\x1a\nrest of it"

// vendor returns media by reference.
type vendor struct {
	files map[string]string
	errs  map[string]error
	hangs map[string]bool

	mu       sync.Mutex
	requests []media.Request
}

func (v *vendor) Fetch(ctx context.Context, req media.Request, info func(media.Info) error,
	chunk func([]byte) error) error {
	v.mu.Lock()
	v.requests = append(v.requests, req)
	v.mu.Unlock()
	if v.hangs[req.Part.Ref] {
		<-ctx.Done()
		return ctx.Err()
	}
	if err := v.errs[req.Part.Ref]; err != nil {
		return err
	}
	f := v.files[req.Part.Ref+req.Part.URL]
	if err := info(media.Info{Name: "a.png", Size: int64(len(f))}); err != nil {
		return err
	}
	return chunk([]byte(f))
}

// newMediaHarness returns a harness with a media store.
func newMediaHarness(t *testing.T, ch Channel, v *vendor) *harness {
	t.Helper()
	ch.Name = "faq"
	h := newHarness(t, ch, Channel{Name: "desk"})
	items, err := media.Open(media.Options{
		Dir: t.TempDir(), BaseURL: "https://gw.example", Source: v, Logger: slog.New(slog.DiscardHandler), Keep: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); items.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	h.Media = items
	return h
}

// submitEnvelope submits a delivery of an envelope with media.
func (h *harness) submitEnvelope(e *envelope.Envelope, piece, pieces uint32) *state.Delivery {
	j := h.job("faq", "x")
	j.Delivery.Item = h.storeEnvelope(e)
	j.Delivery.Item.Rich = true
	for i := range e.Parts {
		if e.Parts[i].Type.IsMedia() {
			j.Delivery.Item.Extent.Media++
		}
	}
	j.Delivery.Item.Extent.Types = 1
	j.Delivery.Piece, j.Delivery.Pieces = piece, pieces
	j.Conv.Threads = map[string]*state.Thread{"desk": {ID: "d1", State: []byte("desk state"), Live: true}}
	h.Submit(j)
	return &j.Delivery
}

func (h *harness) outcomeOf(d *state.Delivery) *attempt.Outcome {
	h.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range h.outcomes {
		if o.Delivery == d.ID {
			return o
		}
	}
	return nil
}

func deskMessage(parts ...envelope.Part) *envelope.Envelope {
	return &envelope.Envelope{
		Channel: "desk", Thread: "d1", Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleAgent},
		Parts: parts,
	}
}

func image(ref string) envelope.Part {
	return envelope.Part{Type: envelope.PartImage, Ref: ref, Text: "caption"}
}

var images = map[envelope.PartType]bool{envelope.PartText: true, envelope.PartImage: true}

// replaceLink replaces a link of the gateway with LINK.
func replaceLink(s string) string {
	if i := strings.Index(s, "https://gw.example/media/"); i >= 0 {
		return s[:i] + "LINK"
	}
	return s
}
