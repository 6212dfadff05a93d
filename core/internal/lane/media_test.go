package lane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/media"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/render"
	"patchbay/core/internal/state"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

const png = "\x89PNG\r\n\x1a\nrest of it"

// vendor gives media by their handle.
type vendor struct {
	files map[string]string
	errs  map[string]error
	hangs map[string]bool

	mu    sync.Mutex
	asked []media.Request
}

func (v *vendor) Fetch(ctx context.Context, req media.Request, info func(media.Info) error, chunk func([]byte) error) error {
	v.mu.Lock()
	v.asked = append(v.asked, req)
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

// gallery is an engine with media.
func gallery(t *testing.T, ch Channel, v *vendor) *bench {
	t.Helper()
	ch.Name = "faq"
	b := newBench(t, ch, Channel{Name: "desk"})
	store, err := media.Open(media.Options{
		Dir: t.TempDir(), BaseURL: "https://gw.example", Source: v, Logger: slog.New(slog.DiscardHandler), Keep: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); store.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	b.Media = store
	return b
}

// rich makes a job of an envelope with media, as the conversation queues it.
func (b *bench) rich(e *envelope.Envelope, piece, pieces uint32) *state.Delivery {
	j := b.job("faq", "x")
	j.Delivery.Item = b.store(e)
	j.Delivery.Item.Rich = true
	for i := range e.Parts {
		if render.IsMedium(e.Parts[i].Type) {
			j.Delivery.Item.Extent.Media++
		}
	}
	j.Delivery.Item.Extent.Types = 1
	j.Delivery.Piece, j.Delivery.Pieces = piece, pieces
	j.Conv.Threads = map[string]*state.Thread{"desk": {ID: "d1", State: []byte("desk state"), Live: true}}
	b.Submit(j)
	return &j.Delivery
}

func (b *bench) outcomeOf(d *state.Delivery) *delivery.Outcome {
	b.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.outcomes {
		if o.Delivery == d.ID {
			return o
		}
	}
	return nil
}

func fromDesk(parts ...envelope.Part) *envelope.Envelope {
	return &envelope.Envelope{
		Channel: "desk", Thread: "d1", Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleAgent}, Parts: parts,
	}
}

func image(ref string) envelope.Part {
	return envelope.Part{Type: envelope.PartImage, Ref: ref, Text: "caption"}
}

var images = map[envelope.PartType]bool{envelope.PartText: true, envelope.PartImage: true}

func TestMediaInTheFormThatAChannelWants(t *testing.T) {
	link := envelope.Part{Type: envelope.PartImage, URL: "https://v.example/1.png"}
	for name, tc := range map[string]struct {
		ch       Channel
		parts    []envelope.Part
		piece, n uint32
		want     []envelope.Part // link of the gateway's is "LINK"
		attached string
		lost     string
	}{
		"link": {
			ch: Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink}, parts: []envelope.Part{envelope.TextPart("see"), image("r1")}, n: 1,
			want: []envelope.Part{envelope.TextPart("see"), {Type: "image", Ref: "r1", Text: "caption", URL: "LINK", ContentType: "image/png", Name: "a.png", Size: 18}},
		},
		"a link of the vendor's own": {ch: Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink}, parts: []envelope.Part{link}, n: 1, want: []envelope.Part{link}},
		"bytes": {
			ch: Channel{Target: render.Target{Parts: images}, Media: sdk.MediaStream}, parts: []envelope.Part{image("r1")}, n: 1, attached: png,
			want: []envelope.Part{{Type: "image", Ref: "r1", Text: "caption", ContentType: "image/png", Name: "a.png", Size: 18}},
		},
		"bytes of a link": {
			ch: Channel{Target: render.Target{Parts: images}, Media: sdk.MediaStream}, parts: []envelope.Part{link}, n: 1, attached: png,
			want: []envelope.Part{{Type: "image", URL: link.URL, ContentType: "image/png", Name: "a.png", Size: 18}},
		},
		"apart, words": {
			ch: Channel{Target: render.Target{Parts: images, SeparateMedia: true}, Media: sdk.MediaStream}, parts: []envelope.Part{envelope.TextPart("see"), image("r1")}, piece: 0, n: 2,
			want: []envelope.Part{envelope.TextPart("see\ncaption")},
		},
		"apart, medium": {
			ch: Channel{Target: render.Target{Parts: images, SeparateMedia: true}, Media: sdk.MediaStream}, parts: []envelope.Part{envelope.TextPart("see"), image("r1")}, piece: 1, n: 2,
			attached: png, want: []envelope.Part{{Type: "image", Ref: "r1", Text: "caption", ContentType: "image/png", Name: "a.png", Size: 18}},
		},
		"apart, not of the types that are taken": {
			ch:    Channel{Target: render.Target{Parts: images, SeparateMedia: true}, Media: sdk.MediaStream, MediaLimit: media.Limit{Types: []string{"image/jpeg"}}},
			parts: []envelope.Part{envelope.TextPart("see"), image("r1")}, piece: 1, n: 2,
			want: []envelope.Part{envelope.TextPart("[image]")},
			lost: "sent as text: image (get image of channel desk: the medium is image/png, the channel accepts image/jpeg)",
		},
		"too large": {
			ch: Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink, MediaLimit: media.Limit{Bytes: 10}}, parts: []envelope.Part{image("r1")}, n: 1,
			want: []envelope.Part{envelope.TextPart("[image] caption")},
			lost: "sent as text: image (get image of channel desk: the medium has at least 18 bytes, the limit is 10)",
		},
		"only words": {
			ch: Channel{Target: render.Target{Parts: map[envelope.PartType]bool{envelope.PartText: true}}}, parts: []envelope.Part{envelope.TextPart("see"), image("r1")}, n: 1,
			want: []envelope.Part{envelope.TextPart("see\n[image] caption LINK")}, lost: "sent as text: image",
		},
		"links as they are": {ch: Channel{Target: render.Target{Parts: images}}, parts: []envelope.Part{link}, n: 1, want: []envelope.Part{link}},
		"a handle, where links are taken as they are": {
			ch: Channel{Target: render.Target{Parts: images}}, parts: []envelope.Part{image("r1")}, n: 1,
			want: []envelope.Part{envelope.TextPart("[image] caption LINK")}, lost: "sent as text: image",
		},
		"a link that a browser would run": {
			ch: Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink}, parts: []envelope.Part{{Type: envelope.PartImage, URL: "JavaScript:alert(1)"}}, n: 1,
			want: []envelope.Part{envelope.TextPart("[image] JavaScript:alert(1)")}, lost: "sent as text: image (its link is no http address)",
		},
		"a link to a file of somebody's machine, as it is": {
			ch: Channel{Target: render.Target{Parts: images}}, parts: []envelope.Part{{Type: envelope.PartImage, URL: "file:///etc/passwd"}}, n: 1,
			want: []envelope.Part{envelope.TextPart("[image] file:///etc/passwd")}, lost: "sent as text: image (its link is no http address)",
		},
		"gone": {
			ch: Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink}, parts: []envelope.Part{image("gone")}, n: 1,
			want: []envelope.Part{envelope.TextPart("[image] caption")},
			lost: "sent as text: image (get image of channel desk: the medium is gone: gone: expired)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &vendor{files: map[string]string{"r1": png, link.URL: png}, errs: map[string]error{"gone": &sdk.Error{Kind: sdk.KindGone, Text: "expired"}}}
				b := gallery(t, tc.ch, v)
				defer b.close()
				var call *pluginpb.DeliverCall
				b.bot.by(func(c *pluginpb.DeliverCall) answer { call = c; return delivered() })
				d := b.rich(fromDesk(tc.parts...), tc.piece, tc.n)
				o := b.outcomeOf(d)
				if o == nil || call == nil {
					t.Fatalf("outcome %+v, call %v", o, call)
				}
				got := carried(t, call).Parts
				for i := range got {
					got[i].URL = hideLink(got[i].URL)
					got[i].Text = hideLink(got[i].Text)
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("parts differ (-want +got):\n%s", diff)
				}
				attached := ""
				for _, m := range call.GetSend().GetAssigned().GetMedia() {
					attached += b.bot.attached[m.GetAttachment()]
				}
				if attached != tc.attached || o.Degraded != tc.lost {
					t.Errorf("attached %q, recorded %q; want %q, %q", attached, o.Degraded, tc.attached, tc.lost)
				}
				for _, r := range v.asked {
					if r.Channel != "desk" || r.Thread != "d1" || string(r.State) != "desk state" {
						t.Errorf("asked for %+v", r)
					}
				}
			})
		})
	}
}

// hideLink puts LINK in place of a link of the gateway's.
func hideLink(s string) string {
	if i := strings.Index(s, "https://gw.example/media/"); i >= 0 {
		return s[:i] + "LINK"
	}
	return s
}

// TestSlowMediaHoldUpNobody: a medium that hangs takes no place of its channel's calls, and becomes words in the end.
func TestSlowMediaHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{hangs: map[string]bool{"slow": true}}
		b := gallery(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink, Concurrency: 1}, v)
		defer b.close()
		b.bot.always(delivered())
		slow := b.rich(fromDesk(image("slow")), 0, 1)
		quick := b.submit("faq", "hello")
		if o := b.must(quick); o.Result != delivery.ResultDelivered || b.outcomeOf(slow) != nil {
			t.Fatalf("outcome %+v of what is behind, %+v of the slow one", o, b.outcomeOf(slow))
		}
		if _, _, waiting, running := b.State("faq"); waiting != 1 || running != 0 {
			t.Errorf("%d wait and %d run, want the slow one to be seen", waiting, running)
		}
		time.Sleep(mediaTimeout)
		o := b.outcomeOf(slow)
		if o == nil || o.Result != delivery.ResultRetry || !strings.Contains(o.Text, "read image") {
			t.Fatalf("outcome %+v, want another try", o)
		}
		time.Sleep(maxMediaWait) // the writer comes back with it later than it was queued
		late := b.job("faq", "x")
		late.Delivery.Item, late.Delivery.QueuedAt, late.Delivery.NotCalled = slow.Item, time.Now().Add(-maxMediaWait), true
		b.Submit(late)
		time.Sleep(mediaTimeout)
		if o := b.must(late); o.Result != delivery.ResultDelivered || !strings.HasPrefix(o.Degraded, "sent as text: image (") {
			t.Errorf("outcome %+v, want words", o)
		}
	})
}

func TestMediaThatFailForNowAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{errs: map[string]error{"r1": &sdk.Error{Kind: sdk.KindTransient, Text: "busy"}}}
		b := gallery(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink}, v)
		defer b.close()
		d := b.rich(fromDesk(image("r1")), 0, 1)
		if o := b.outcomeOf(d); o == nil || o.Result != delivery.ResultRetry || o.Error != string(sdk.KindTransient) || b.bot.count() != 0 {
			t.Errorf("outcome %+v, %d calls; want another try, and none", o, b.bot.count())
		}
	})
}

// TestTriesToReadMediaAreNoAttempts: adapters and operators take attempts for calls. The pauses grow all the same, by what the
// message has waited.
func TestTriesToReadMediaAreNoAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{errs: map[string]error{"r1": &sdk.Error{Kind: sdk.KindTransient, Text: "busy"}}}
		b := gallery(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink}, v)
		defer b.close()
		var call *pluginpb.DeliverCall
		b.bot.by(func(c *pluginpb.DeliverCall) answer { call = c; return delivered() })
		first := b.job("faq", "x")
		first.Delivery.Item = b.store(fromDesk(image("r1")))
		first.Delivery.Item.Extent = render.Extent{BytesWithoutMedia: 11, BytesWithMedia: 300, Media: 1, Types: 3}
		tries := 0
		for j := first; ; tries++ {
			b.Submit(j)
			o := b.must(j)
			if o.Result == delivery.ResultDelivered {
				break
			}
			if o.Result != delivery.ResultRetry || !o.NotCalled || time.Until(o.Next) <= 0 {
				t.Fatalf("outcome %+v, want another try that is no attempt", o)
			}
			time.Sleep(time.Until(o.Next)) // as the writer does
			again := b.job("faq", "x")
			again.Delivery.Item, again.Delivery.QueuedAt, again.Delivery.NotCalled = first.Delivery.Item, first.Delivery.QueuedAt, true
			j = again
		}
		if waited := time.Since(first.Delivery.QueuedAt); tries < 4 || tries > 40 || waited < maxMediaWait || waited > maxMediaWait+backoffBase {
			t.Errorf("words after %s and %d tries", waited, tries)
		}
		if call.GetAttempt() != 1 || len(b.attempted()) != 1 {
			t.Errorf("call number %d, %v", call.GetAttempt(), b.attempted())
		}
	})
}

// TestMediaLeaveTimeForCalls: a message that is to be given up soon waits for its picture no longer than half of that.
func TestMediaLeaveTimeForCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{errs: map[string]error{"r1": &sdk.Error{Kind: sdk.KindThrottled, After: time.Hour}}}
		b := gallery(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink, GiveUp: 10 * time.Second}, v)
		defer b.close()
		b.bot.always(delivered())
		for age, want := range map[time.Duration]delivery.Result{0: delivery.ResultRetry, 5 * time.Second: delivery.ResultDelivered} {
			j := b.job("faq", "x")
			j.Delivery.QueuedAt = time.Now().Add(-age)
			j.Delivery.Item = b.store(fromDesk(image("r1")))
			j.Delivery.Item.Extent = render.Extent{BytesWithoutMedia: 11, BytesWithMedia: 300, Media: 1, Types: 3}
			b.Submit(j)
			o := b.must(j)
			if o.Result != want || want == delivery.ResultRetry && time.Until(o.Next) != 5*time.Second {
				t.Errorf("after %s: outcome %+v", age, o)
			}
		}
	})
}

// TestMediaAreNotAskedForBeforeTheirVendorWants, nor is a message held up for longer than for its media.
func TestMediaAreNotAskedForBeforeTheirVendorWants(t *testing.T) {
	for name, tc := range map[string]struct{ wants, want time.Duration }{
		"a while":      {20 * time.Second, 20 * time.Second},
		"a long while": {time.Hour, maxMediaWait},
		"soon":         {time.Nanosecond, backoffBase / 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &vendor{errs: map[string]error{"r1": &sdk.Error{Kind: sdk.KindThrottled, After: tc.wants}}}
				b := gallery(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink}, v)
				defer b.close()
				o := b.outcomeOf(b.rich(fromDesk(image("r1")), 0, 1))
				if o == nil || o.Result != delivery.ResultRetry {
					t.Fatalf("outcome %+v, want another try", o)
				}
				if wait := time.Until(o.Next); wait < tc.want || wait > tc.want+2*backoffBase {
					t.Errorf("another try after %s, want about %s", wait, tc.want)
				}
			})
		})
	}
}

func TestCancelAndStopWhileMediaAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{hangs: map[string]bool{"slow": true}}
		b := gallery(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink}, v)
		cancelled := b.rich(fromDesk(image("slow")), 0, 1)
		left := b.rich(fromDesk(image("slow")), 0, 1)
		synctest.Wait()
		b.Cancel(cancelled.ID)
		if o := b.outcomeOf(cancelled); o == nil || o.Result != delivery.ResultRetry || !o.NotCalled {
			t.Errorf("outcome %+v of the cancelled one", o)
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		b.Stop(ctx)
		if o := b.outcomeOf(left); o != nil || time.Since(began) > 0 {
			t.Errorf("outcome %+v after %v; what was not begun stays in the log, and nothing waits for it", o, time.Since(began))
		}
	})
}

func TestAttachThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{files: map[string]string{"r1": png}}
		b := gallery(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaStream}, v)
		defer b.close()
		b.bot.attachErr = errors.New("attach: connection lost")
		d := b.rich(fromDesk(image("r1")), 0, 1)
		if o := b.outcomeOf(d); o == nil || o.Result != delivery.ResultRetry || b.bot.count() != 0 {
			t.Errorf("outcome %+v, %d calls; want another try", o, b.bot.count())
		}
	})
}

// TestMediumThatIsNotTaken: a medium that an adapter can't be given becomes words, as one that can't be read does: at once if it is
// refused for good, else after a while.
func TestMediumThatIsNotTaken(t *testing.T) {
	for name, tc := range map[string]struct {
		err    error
		queued time.Duration // ago
		again  bool          // the last try failed, too
		apart  bool
		want   string // of the words; "" if there is to be another try
	}{
		"for good":              {err: &sdk.Error{Kind: sdk.KindUnsupported, Text: "no"}, want: "see\n[image] caption LINK"},
		"for good, alone":       {err: &sdk.Error{Kind: sdk.KindInvalid, Text: "no"}, apart: true, want: "[image] LINK"},
		"for now":               {err: &sdk.Error{Kind: sdk.KindTransient, Text: "no room"}},
		"for now, for too long": {err: errors.New("connection lost"), queued: maxMediaWait, again: true, want: "see\n[image] caption LINK"},
		"for now, long queued":  {err: errors.New("connection lost"), queued: maxMediaWait},
		"no process":            {err: fmt.Errorf("attach: %w", plugin.ErrNotReady), queued: maxMediaWait, again: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &vendor{files: map[string]string{"r1": png}}
				b := gallery(t, Channel{Target: render.Target{Parts: images, SeparateMedia: tc.apart}, Media: sdk.MediaStream}, v)
				defer b.close()
				b.bot.attachErr = tc.err
				var call *pluginpb.DeliverCall
				b.bot.by(func(c *pluginpb.DeliverCall) answer { call = c; return delivered() })
				time.Sleep(time.Hour)
				j := b.job("faq", "x")
				j.Delivery.QueuedAt, j.Delivery.NotCalled = time.Now().Add(-tc.queued), tc.again
				j.Delivery.Item = b.store(fromDesk(envelope.TextPart("see"), image("r1")))
				j.Delivery.Item.Extent = render.Extent{BytesWithoutMedia: 11, BytesWithMedia: 300, Media: 1, Types: 3}
				if tc.apart {
					j.Delivery.Piece, j.Delivery.Pieces = 1, 2
				}
				b.Submit(j)
				o := b.outcome(j)
				if tc.want == "" {
					if call != nil || o != nil && o.Result != delivery.ResultRetry {
						t.Errorf("outcome %+v, call %v; want another try", o, call)
					}
					return
				}
				if o == nil || o.Result != delivery.ResultDelivered || call == nil || !strings.Contains(o.Degraded, tc.err.Error()) {
					t.Fatalf("outcome %+v, call %v; want words, and why", o, call)
				}
				if got := hideLink(carried(t, call).Text()); got != tc.want || len(call.GetSend().GetAssigned().GetMedia()) > 0 {
					t.Errorf("carries %q and %v", got, call.GetSend().GetAssigned().GetMedia())
				}
			})
		})
	}
}

// TestMoreMediaThanADeliveryCanHave: an adapter keeps so many bytes for its deliveries; a message with more is not lost.
func TestMoreMediaThanADeliveryCanHave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{files: map[string]string{}}
		var parts []envelope.Part
		for i := range 3 {
			ref := fmt.Sprint("r", i)
			v.files[ref] = png + strings.Repeat("x", 15<<20)
			parts = append(parts, image(ref))
		}
		b := gallery(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaStream}, v)
		defer b.close()
		var call *pluginpb.DeliverCall
		b.bot.by(func(c *pluginpb.DeliverCall) answer { call = c; return delivered() })
		o := b.outcomeOf(b.rich(fromDesk(parts...), 0, 1))
		if o == nil || o.Result != delivery.ResultDelivered || !strings.Contains(o.Degraded, "at most") {
			t.Fatalf("outcome %+v, want words", o)
		}
		if text := carried(t, call).Text(); strings.Count(text, "https://gw.example/media/") != 3 {
			t.Errorf("carries %q, want a link to each", text)
		}
	})
}

// TestMediaInFlightAreBounded: an adapter holds the bytes of all calls that it makes, so not all that may run do at once. Words
// do not wait for media, and media keep their order.
func TestMediaInFlightAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := png + strings.Repeat("x", 20<<20-len(png))
		v := &vendor{files: map[string]string{"large": large, "small": png}}
		b := gallery(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaStream, Concurrency: 10}, v)
		defer b.close()
		var all []*state.Delivery
		for _, ref := range []string{"large", "large", "large", "large", "small"} {
			all = append(all, b.rich(fromDesk(image(ref)), 0, 1))
			synctest.Wait() // so that they are queued in this order
		}
		words := b.submit("faq", "hello")
		keys := func() (out []string) {
			for _, c := range b.bot.take() {
				out = append(out, c.GetKey())
				c.answer <- delivered()
			}
			return out
		}
		if diff := cmp.Diff([]string{all[0].ID, all[1].ID, all[2].ID, words.Delivery.ID}, keys()); diff != "" {
			t.Errorf("calls at first (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{all[3].ID, all[4].ID}, keys(), cmpopts.SortSlices(strings.Compare)); diff != "" {
			t.Errorf("calls then (-want +got):\n%s", diff)
		}
		for _, d := range all {
			if o := b.outcomeOf(d); o == nil || o.Result != delivery.ResultDelivered || o.Degraded != "" {
				t.Errorf("outcome %+v", o)
			}
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if carried := b.channels["faq"].mediaInFlight; carried != 0 {
			t.Errorf("%d bytes are still counted", carried)
		}
	})
}

// TestDividedOtherwise: a delivery that was queued when the channel took words and media with one call loses neither when it
// takes them apart now, as after an update of its adapter.
func TestDividedOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{files: map[string]string{"r1": png, "r2": png}}
		b := gallery(t, Channel{Target: render.Target{Parts: images, SeparateMedia: true}, Media: sdk.MediaStream}, v)
		defer b.close()
		for name, tc := range map[string]struct {
			parts []envelope.Part
			said  uint32
			want  string
		}{
			"words and a medium": {[]envelope.Part{envelope.TextPart("see"), image("r1")}, 11, "see\n[image] caption LINK"},
			"two media":          {[]envelope.Part{{Type: envelope.PartImage, Ref: "r1"}, {Type: envelope.PartImage, Ref: "r2"}}, 0, "[image] LINK"},
		} {
			var call *pluginpb.DeliverCall
			b.bot.by(func(c *pluginpb.DeliverCall) answer { call = c; return delivered() })
			e := fromDesk(tc.parts...)
			j := b.job("faq", "x")
			j.Delivery.Item = b.store(e)
			j.Delivery.Item.Extent = render.Extent{BytesWithoutMedia: tc.said, BytesWithMedia: 300, Media: uint32(len(tc.parts)) - min(tc.said, 1), Types: 3}
			b.Submit(j)
			o := b.must(j)
			got := carried(t, call)
			for i := range got.Parts {
				got.Parts[i].Text = hideLink(got.Parts[i].Text)
			}
			if got.Text() != tc.want || len(got.Parts) != 1 || !strings.HasPrefix(o.Degraded, "sent as text: image") {
				t.Errorf("%s: carries %+v, recorded %q", name, got.Parts, o.Degraded)
			}
		}
	})
}

// TestWordsForMediaFitTheLimit: words that were not foreseen when a delivery was divided are cut, and that is recorded; the vendor
// would refuse all of them.
func TestWordsForMediaFitTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{errs: map[string]error{"gone": &sdk.Error{Kind: sdk.KindGone, Text: "expired"}}}
		b := gallery(t, Channel{Target: render.Target{Parts: images, TextBytes: 100}, Media: sdk.MediaLink}, v)
		defer b.close()
		var call *pluginpb.DeliverCall
		b.bot.by(func(c *pluginpb.DeliverCall) answer { call = c; return delivered() })
		p := image("gone")
		p.Name = strings.Repeat("名", 20) + ".png"
		o := b.outcomeOf(b.rich(fromDesk(envelope.TextPart(strings.Repeat("a ", 45)), p), 0, 1))
		if got := carried(t, call).Text(); len(got) > 100 || !utf8.ValidString(got) || !strings.HasPrefix(got, strings.Repeat("a ", 40)) ||
			!strings.Contains(o.Degraded, "cut") {
			t.Errorf("carries %d bytes: %q; recorded %q", len(got), got, o.Degraded)
		}
	})
}

// TestOneSlowMediumLeavesTimeForTheOthers: they are read all the same, and named with a link.
func TestOneSlowMediumLeavesTimeForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{hangs: map[string]bool{"slow": true}, files: map[string]string{"r1": png, "r2": png}}
		b := gallery(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink}, v)
		defer b.close()
		var call *pluginpb.DeliverCall
		b.bot.by(func(c *pluginpb.DeliverCall) answer { call = c; return delivered() })
		j := b.job("faq", "x")
		j.Delivery.QueuedAt, j.Delivery.NotCalled = time.Now().Add(-maxMediaWait), true
		j.Delivery.Item = b.store(fromDesk(image("slow"), image("r1"), image("r2")))
		j.Delivery.Item.Extent = render.Extent{BytesWithoutMedia: 23, BytesWithMedia: 900, Media: 3, Types: 2}
		b.Submit(j)
		time.Sleep(mediaTimeout)
		if o := b.must(j); o.Result != delivery.ResultDelivered || strings.Count(carried(t, call).Text(), "https://gw.example/media/") != 2 {
			t.Errorf("outcome %+v, carries %q; want links to those that can be read", o, carried(t, call).Text())
		}
	})
}

// TestWhatIsLostIsToldBriefly: a delivery's outcome is part of a record, which has bounds.
func TestWhatIsLostIsToldBriefly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{errs: map[string]error{"gone": &sdk.Error{Kind: sdk.KindGone, Text: strings.Repeat("é", 500)}}}
		b := gallery(t, Channel{Target: render.Target{Parts: images}, Media: sdk.MediaLink}, v)
		defer b.close()
		b.bot.always(answer{res: &pluginpb.DeliverResult{Degraded: strings.Repeat("ü", 1<<20)}})
		var parts []envelope.Part
		for range envelope.MaxParts {
			parts = append(parts, image("gone"))
		}
		o := b.outcomeOf(b.rich(fromDesk(parts...), 0, 1))
		if o == nil || o.Result != delivery.ResultDelivered || len(o.Degraded) > 4<<10 || !utf8.ValidString(o.Degraded) ||
			!strings.HasPrefix(o.Degraded, "sent as text: image (") || !strings.Contains(o.Degraded, "; ü") {
			t.Errorf("outcome %.200v with %d bytes of what is lost", o, len(o.Degraded))
		}
	})
}
