package plugin

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

func TestReceiveLeavesTimeForTheTranslation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{Name: "hostile"}) // does not run, so there is never a process
		ctx, cancel := context.WithTimeout(t.Context(), sdk.ReceiveTimeout)
		defer cancel()
		began := time.Now()
		_, _, err := h.Receive(ctx, &pluginpb.ReceiveCall{})
		if took := time.Since(began); !errors.Is(err, ErrNotReady) || took != 3*time.Second || ctx.Err() != nil {
			t.Errorf("Receive = %v after %s, want ErrNotReady after 3 s with time left", err, took)
		}
	})
}
