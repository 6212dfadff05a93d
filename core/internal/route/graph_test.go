package route

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMoves(t *testing.T) {
	for _, tc := range []struct {
		name string
		rule Rule
		want []string // effect, owners before and channels after
	}{
		{"no move", Rule{Say: Say{Default: "x"}}, nil},
		{"from any owner", Rule{Pass: "desk"}, []string{"pass [desk faq night] [desk]"}},
		{"from one owner", Rule{When: `owner == "faq" && text == "a"`, Pass: "desk"}, []string{"pass [faq] [desk]"}},
		{"not from one owner", Rule{When: `owner != "faq"`, Pass: "faq"}, []string{"pass [desk night] [faq]"}},
		{"from a role", Rule{When: `owner_role == "agent"`, Pass: "faq"}, []string{"pass [desk night] [faq]"}},
		{"from the channel of the event", Rule{Events: []Event{EventDisconnected}, From: []string{"desk"},
			When: `owner == channel`, Pass: Home}, []string{"pass [desk] [home]"}},
		{"home and close", Rule{When: `owner == "desk"`, Home: "faq", Close: true},
			[]string{"home [desk] [faq]", "close [desk] []"}},
		{"offer", Rule{When: `owner_role == "bot"`,
			Offer: &Offer{To: []string{"desk", "night"}, Within: time.Minute, Else: Home}},
			[]string{"offer [faq] [desk night]", "else [faq] [home]"}},
		{"offer without else", Rule{When: `owner in ["faq", "desk"]`, Offer: NewOffer("night")},
			[]string{"offer [desk faq] [night]"}},
		{"invalid condition", Rule{When: `ownr == "faq"`, Pass: "desk"}, []string{"pass [desk faq night] [desk]"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rule := tc.rule
			rule.Name = "a"
			var got []string
			for _, m := range Moves([]Rule{rule}, testChannels) {
				if m.Rule != "a" || m.When != rule.When || len(m.Events) == 0 {
					t.Errorf("move without its rule: %+v", m)
				}
				got = append(got, fmt.Sprint(m.Effect, " ", m.Owners, " ", m.To))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("moves (-want +got):\n%s", diff)
			}
		})
	}
}
