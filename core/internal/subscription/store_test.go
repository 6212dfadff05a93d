package subscription

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/inbound"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/writer"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// emitOnce is a script that emits one batch and keeps the result of store.
func emitOnce(batch [][]byte, storeErr *error) script {
	return func(ctx context.Context, _ *pluginpb.SubscribeRequest, store plugin.Store) error {
		*storeErr = store(ctx, batch, []byte("done"))
		<-ctx.Done()
		return nil
	}
}

func TestStoreWaitsForTheWriter(t *testing.T) {
	for _, why := range []error{writer.ErrBusy, fmt.Errorf("%w: disk is full", writer.ErrUnavailable)} {
		t.Run(why.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, until := &fakeWriter{}, time.Now().Add(10*time.Minute)
				w.refuse = func(in []*inbound.Envelope) (int, error) {
					if time.Now().Before(until) {
						return min(1, len(in)-1), why // accepts one envelope in each call, except the last envelope
					}
					return len(in), nil
				}
				storeErr := errors.New("no result yet")
				b := start(t, w, emitOnce(encoded(t, "one", "two", "three"), &storeErr))
				time.Sleep(9 * time.Minute)
				synctest.Wait()
				if w.done() {
					t.Error("the cursor has moved before all was stored")
				}
				time.Sleep(2 * time.Minute)
				b.stop()
				if diff := cmp.Diff([]string{"one", "two", "three"}, w.texts); diff != "" || storeErr != nil || w.cursor != "done" {
					t.Errorf("store returned %v, cursor %q, stored (-want +got):\n%s", storeErr, w.cursor, diff)
				}
				if w.accepts > 40 {
					t.Errorf("%d calls of the writer in ten minutes", w.accepts)
				}
				if n := strings.Count(b.log.String(), "subscription waits until messages are accepted"); n != 1 {
					t.Errorf("%d warnings, want 1", n)
				}
			})
		})
	}
}

func TestStopEndsTheWait(t *testing.T) {
	for name, refused := range map[string]error{"busy": writer.ErrBusy, "stopping": writer.ErrStopping} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &fakeWriter{refuse: func([]*inbound.Envelope) (int, error) { return 0, refused }}
				var storeErr error
				b := start(t, w, emitOnce(encoded(t, "one"), &storeErr))
				time.Sleep(time.Minute)
				b.stop()
				if storeErr == nil || w.cursor != "" {
					t.Errorf("store returned %v, cursor %q", storeErr, w.cursor)
				}
			})
		})
	}
}

func TestMessagesThatCantBeStoredDoNotBlockTheChannel(t *testing.T) {
	large := encoded(t, strings.Repeat("x", 60<<10))[0]
	e, err := protocol.DecodeEnvelope(large)
	if err != nil {
		t.Fatal(err)
	}
	for len(e.Parts) < 8 {
		e.Parts = append(e.Parts, e.Parts[0])
	}
	if large, err = protocol.EncodeEnvelope(e); err != nil {
		t.Fatal(err)
	}
	e.Thread = strings.Repeat("t", 500<<10) // from an adapter without validation
	hopeless, err := protocol.EncodeEnvelope(e)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := &fakeWriter{refuse: func(in []*inbound.Envelope) (int, error) {
			for i := range in {
				if in[i].Envelope.Text() == "poison" {
					return 0, fmt.Errorf("%w: %w", writer.ErrUnavailable, writer.ErrUndecidable)
				}
			}
			return len(in), nil
		}}
		list := encoded(t, "one", "poison", "two", "poison")
		list = append(list[:1:1], append([][]byte{large, hopeless}, list[1:]...)...)
		storeErr := errors.New("no result yet")
		b := start(t, w, emitOnce(list, &storeErr))
		time.Sleep(time.Minute)
		b.stop()
		if diff := cmp.Diff([]string{"one", "", "two"}, w.texts); diff != "" || storeErr != nil || w.cursor != "done" || b.received != 3 {
			t.Errorf("store returned %v, cursor %q, %d counted, stored (-want +got):\n%s", storeErr, w.cursor, b.received, diff)
		}
		if w.kinds[1] != envelope.KindUnparsed {
			t.Errorf("the note has kind %s", w.kinds[1])
		}
		if out := b.log.String(); strings.Count(out, "message dropped") != 2 || strings.Count(out, "replaced by a note") != 2 || strings.Contains(out, "xxx") {
			t.Errorf("log:\n%s", out)
		}
	})
}

func TestCursorThatCantBeStoredEndsTheSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &fakeWriter{refuse: func([]*inbound.Envelope) (int, error) {
			return 0, fmt.Errorf("%w: %w", writer.ErrUnavailable, writer.ErrUndecidable)
		}}
		var storeErr error
		b := start(t, w, emitOnce(nil, &storeErr))
		time.Sleep(time.Minute)
		b.stop()
		if !errors.Is(storeErr, writer.ErrUndecidable) {
			t.Errorf("store returned %v", storeErr)
		}
	})
}

func TestAdapterMustNotEmitForAnotherChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other, err := protocol.EncodeEnvelope(&envelope.Envelope{Channel: "d", Thread: "t", Kind: envelope.KindMessage})
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{"another channel": other, "not an envelope": []byte("\xff\xff")} {
			w := &fakeWriter{}
			var storeErr error
			b := start(t, w, emitOnce([][]byte{encoded(t, "one")[0], data}, &storeErr))
			synctest.Wait()
			b.stop()
			if storeErr == nil || w.accepts > 0 {
				t.Errorf("%s: store returned %v, %d calls of the writer", name, storeErr, w.accepts)
			}
		}
	})
}

// The receiver takes 10 messages per second. The writer refuses messages when 50 messages wait.
func TestSubscriptionKeepsAnOverloadedReceiverBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room, last := 50.0, time.Now()
		var waits []time.Duration
		w := &fakeWriter{refuse: func(in []*inbound.Envelope) (int, error) {
			waits = append(waits, time.Since(last))
			room, last = min(50, room+10*time.Since(last).Seconds()), time.Now()
			n := min(int(room), len(in))
			room -= float64(n)
			if n < len(in) {
				return n, fmt.Errorf("%w: bot", writer.ErrOverloaded)
			}
			return n, nil
		}}
		var texts []string
		for i := range 1000 {
			texts = append(texts, fmt.Sprint(i))
		}
		storeErr := errors.New("no result yet")
		begin := time.Now()
		b := start(t, w, emitOnce(encoded(t, texts...), &storeErr))
		defer b.stop()
		for !w.done() {
			time.Sleep(time.Second)
		}
		if d := time.Since(begin); d > 100*time.Second {
			t.Errorf("1000 messages at 10/s took %v; waits %v", d, waits)
		}
	})
}

func TestOverloadIsTriedEachSecondAndLoggedEachMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, taken := time.Now(), time.Now()
		w := &fakeWriter{refuse: func(in []*inbound.Envelope) (int, error) {
			if len(in) == 1 || time.Since(taken) < 5*time.Second {
				return 0, fmt.Errorf("%w: bot", writer.ErrOverloaded)
			}
			taken = time.Now()
			return 1, fmt.Errorf("%w: bot", writer.ErrOverloaded)
		}}
		texts := make([]string, 100)
		for i := range texts {
			texts[i] = fmt.Sprint(i)
		}
		var storeErr error
		b := start(t, w, emitOnce(encoded(t, texts...), &storeErr))
		time.Sleep(150 * time.Second)
		b.stop()
		if w.accepts < 150 {
			t.Errorf("%d attempts in %v, want one each second", w.accepts, time.Since(begin))
		}
		if n := strings.Count(b.log.String(), "subscription waits for a channel that cannot keep up"); n != 3 {
			t.Errorf("%d warnings in 150 s, want 3:\n%s", n, b.log.String())
		}
	})
}
