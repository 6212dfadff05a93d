package trail

import (
	"testing"

	"patchbay/core/internal/state"
)

func TestAnOfferIsOneCauseWithAndWithoutHeldMessages(t *testing.T) {
	offer, departure, held := &state.Offer{Target: "desk"}, &state.Departure{}, []state.Item{{}}
	for name, tc := range map[string]struct {
		c    state.Conversation
		want string
	}{
		"offer":                 {state.Conversation{Offer: offer}, CauseOffer},
		"held by the offer":     {state.Conversation{Offer: offer, Held: held}, CauseOffer},
		"held by the departure": {state.Conversation{Departure: departure, Held: held}, CauseHeld},
		"held by both":          {state.Conversation{Offer: offer, Departure: departure, Held: held}, CauseHeld},
		"offer in a departure":  {state.Conversation{Offer: offer, Departure: departure}, CauseOffer},
		"no answer":             {state.Conversation{}, CauseAnswer},
	} {
		w := Wait{Channel: "desk"}
		if got := w.CauseOf(state.New(), &tc.c, false); got != tc.want {
			t.Errorf("%s: cause %s, want %s", name, got, tc.want)
		}
	}
}
