package subscription

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/state"
	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

func TestSubscribeStartsAtTheStoredCursorWithLiveThreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := state.New()
		change := func(kind any, conv string) *journal.Change {
			ch := &journal.Change{Conversation: conv}
			journal.SetKind(ch, kind)
			return ch
		}
		err := state.FoldRecord(1, &journal.Record{Changes: []*journal.Change{
			change(&journal.Change_Opened{Opened: &journal.Opened{Channel: "c", Thread: "mine"}}, "1"),
			change(&journal.Change_Opened{Opened: &journal.Opened{Channel: "web", Thread: "w"}}, "2"),
			change(&journal.Change_Linked{Linked: &journal.Linked{Channel: "c", Thread: "theirs", State: []byte("s"), HasState: true}}, "2"),
			change(&journal.Change_Opened{Opened: &journal.Opened{Channel: "web", Thread: "x"}}, "3"),
			change(&journal.Change_Linked{Linked: &journal.Linked{Channel: "c", Thread: "over"}}, "3"),
			change(&journal.Change_Unlinked{Unlinked: &journal.Unlinked{Channel: "c"}}, "3"),
			change(&journal.Change_CursorMoved{CursorMoved: &journal.CursorMoved{Channel: "c", Cursor: []byte("here")}}, ""),
			change(&journal.Change_CursorMoved{CursorMoved: &journal.CursorMoved{Channel: "d", Cursor: []byte("there")}}, ""),
		}})
		if err != nil {
			t.Fatal(err)
		}
		w := &fakeWriter{state: state}
		b := start(t, w, func(ctx context.Context, _ *pluginpb.SubscribeRequest, store plugin.Store) error {
			if err := store(ctx, encoded(t, "one", "two"), []byte("next")); err != nil {
				return err
			}
			<-ctx.Done()
			return nil
		})
		synctest.Wait()
		b.stop()
		var threads []string
		for _, th := range b.from[0].GetThreads() {
			threads = append(threads, th.GetThread()+" "+string(th.GetState()))
		}
		if diff := cmp.Diff([]string{"mine ", "theirs s"}, threads); diff != "" || string(b.from[0].GetCursor()) != "here" || b.from[0].GetChannel() != "c" {
			t.Errorf("started at %q with threads (-want +got):\n%s", b.from[0].GetCursor(), diff)
		}
		if diff := cmp.Diff([]string{"one", "two"}, w.texts); diff != "" || w.cursor != "next" || b.received != 2 {
			t.Errorf("cursor %q, %d counted, stored (-want +got):\n%s", w.cursor, b.received, diff)
		}
		if diff := cmp.Diff([]bool{false, true, false}, b.up); diff != "" {
			t.Errorf("up (-want +got):\n%s", diff)
		}
	})
}

func TestSubscriptionStartsAgain(t *testing.T) {
	fails := func(err error) script {
		return func(context.Context, *pluginpb.SubscribeRequest, plugin.Store) error { return err }
	}
	emits := func(ctx context.Context, _ *pluginpb.SubscribeRequest, store plugin.Store) error {
		return errors.Join(store(ctx, encoded(t, "x"), nil), errors.New("and then it broke"))
	}
	broken := fails(errors.New("no route"))
	for name, tc := range map[string]struct {
		scripts []script
		want    []time.Duration // the maximum of each gap; the minimum is three quarters of it
	}{
		"delays double":         {[]script{broken}, []time.Duration{delay.Base, 2 * delay.Base, 4 * delay.Base, 8 * delay.Base}},
		"also without an error": {[]script{fails(nil)}, []time.Duration{delay.Base, 2 * delay.Base}},
		"soon after a success": {[]script{broken, broken, broken, emits, broken}, []time.Duration{
			delay.Base, 2 * delay.Base, 4 * delay.Base, delay.Base, 2 * delay.Base,
		}},
		"not before After": {[]script{fails(&sdk.Error{Kind: sdk.KindThrottled, After: time.Minute}), waitForEnd}, []time.Duration{time.Minute}},
		"not later than the maximum pause": {
			[]script{fails(&sdk.Error{Kind: sdk.KindThrottled, After: time.Hour}), waitForEnd}, []time.Duration{testMaxPause},
		},
		"soon after a long subscription": {[]script{broken, broken, func(context.Context, *pluginpb.SubscribeRequest, plugin.Store) error {
			time.Sleep(healthyAfter)
			return errors.New("reset")
		}, waitForEnd}, []time.Duration{delay.Base, 2 * delay.Base, healthyAfter + delay.Base}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, &fakeWriter{}, tc.scripts...)
				time.Sleep(3 * time.Minute)
				b.stop()
				gaps := b.gaps()
				if len(gaps) < len(tc.want) {
					t.Fatalf("gaps %v, want %v", gaps, tc.want)
				}
				for i, want := range tc.want {
					if gaps[i] > want || gaps[i] < want*3/4 {
						t.Errorf("gap %d is %s, want up to %s", i, gaps[i], want)
					}
				}
				if most := slices.Max(gaps); most > delay.Max && len(tc.want) > 2 && most > healthyAfter+delay.Base {
					t.Errorf("a gap of %s, at most %s", most, delay.Max)
				}
			})
		})
	}
}

func TestSubscriptionThatKillsItsProcessIsPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kills := func(context.Context, *pluginpb.SubscribeRequest, plugin.Store) error {
			return fmt.Errorf("subscribe: %w", &plugin.GivenUpError{Name: "a"})
		}
		b := start(t, &fakeWriter{}, kills, waitForEnd)
		time.Sleep(brokenPause + time.Second)
		b.stop()
		if diff := cmp.Diff([]time.Duration{brokenPause}, b.gaps()); diff != "" {
			t.Errorf("gaps (-want +got):\n%s", diff)
		}
		if !strings.Contains(b.log.String(), "level=ERROR msg=\"subscription paused") {
			t.Errorf("log %s", b.log.String())
		}
	})
}

func TestSubscriptionWaitsForItsAdapter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var here atomic.Bool
		b := startWith(t, &fakeWriter{}, &host{scripts: []script{waitForEnd}, ready: func() error {
			if !here.Load() {
				return plugin.ErrNotReady
			}
			return nil
		}})
		time.Sleep(time.Hour)
		if b.callCount() > 0 {
			t.Error("subscribed to an adapter that is not ready")
		}
		here.Store(true)
		time.Sleep(delay.Max)
		synctest.Wait()
		b.stop()
		if b.callCount() != 1 {
			t.Errorf("subscribed %d times after the adapter became ready, want once", b.callCount())
		}
	})
}
