package writer

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"patchbay/core/internal/conversation"
)

func TestPauseSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		pause := func(channel string, paused bool) {
			err := h.Do(context.Background(), func(tx *conversation.Transaction) error {
				tx.PauseChannel(channel, paused, &conversation.Command{Name: "pause", Channel: channel})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		pause("faq", true)
		pause("desk", true)
		pause("desk", false)
		if want := []string{"faq true", "desk true", "desk false"}; !slices.Equal(h.lanes.pauses, want) {
			t.Errorf("the lanes got the pauses %q, want %q", h.lanes.pauses, want)
		}
		h.restart()
		slices.Sort(h.lanes.pauses)
		if want := []string{"desk false", "faq true"}; !slices.Equal(h.lanes.pauses, want) {
			t.Errorf("after a restart the lanes got the pauses %q, want %q", h.lanes.pauses, want)
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}
