package conversation

import (
	"errors"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
)

// command runs an operator's command on the only conversation.
func (h *harness) command(name, channel string) error {
	h.Helper()
	var err error
	id := h.conv().ID
	h.transact(func(tx *Transaction) {
		err = tx.Command(id, &Command{Name: name, User: "ann", Reason: "night shift", Channel: channel})
	})
	return err
}

func (h *harness) mustCommand(name, channel string) {
	h.Helper()
	if err := h.command(name, channel); err != nil {
		h.Fatalf("%s %s: %v", name, channel, err)
	}
}

func TestOperatorPassesTheConversation(t *testing.T) {
	p := testPolicy(t, onWord("old", route.Rule{Pass: "old"}))
	p.Bounces = 1
	h := newHarness(t, p)
	h.customer("one")
	h.customer("old") // reaches the bounce limit
	h.mustCommand("pass", "desk")
	h.wantOwner("desk", 3)
	h.wantLines("to the desk", h.queue("desk"), "open", "one", "old")
	commands := lastChanges[*journal.Change_Commanded](h)
	if len(commands) != 1 || commands[0].Commanded.GetUser() != "ann" || commands[0].Commanded.GetReason() != "night shift" {
		t.Fatalf("commands in the record: %v, want one with the user and the reason", commands)
	}
	if passed := lastChanges[*journal.Change_Passed](h); len(passed) != 1 || passed[0].Passed.GetReason() != "operator" ||
		passed[0].Passed.GetCounted() {
		t.Fatalf("moves in the record: %v, want one with the reason operator that the limit does not count", passed)
	}
	h.mustCommand("pass", route.Home)
	h.wantOwner("faq", 4)
}

func TestRefusedCommandChangesNothing(t *testing.T) {
	h := newHarness(t, testPolicy(t))
	h.customer("one")
	for _, tc := range []struct{ name, channel, want string }{
		{"pass", "faq", "channel faq owns the conversation already"},
		{"pass", "web", "choose one of desk, faq, night, old"},
		{"pass", "nosuch", `channel "nosuch" cannot own a conversation`},
		{"home", "faq", "channel faq is the home already"},
		{"home", "audit", `channel "audit" cannot own a conversation`},
		{"dance", "", `there is no command "dance"`},
	} {
		seq := h.seq
		if err := h.command(tc.name, tc.channel); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s %s = %v, want an error with %q", tc.name, tc.channel, err, tc.want)
		}
		if h.seq != seq {
			t.Errorf("%s %s stored a record", tc.name, tc.channel)
		}
	}
	h.transact(func(tx *Transaction) {
		if err := tx.Command(h.conv().ID, &Command{Name: "note", Reason: " "}); err == nil {
			t.Error("note without a text succeeded")
		}
		if err := tx.Command("nosuch", &Command{Name: "close"}); !errors.Is(err, ErrNoConversation) {
			t.Errorf("close of an unknown conversation = %v, want ErrNoConversation", err)
		}
	})
}

func TestOperatorMovesHome(t *testing.T) {
	h := newHarness(t, testPolicy(t))
	h.customer("one")
	h.mustCommand("home", "old")
	h.wantOwner("old", 2) // control was at home
	h.mustCommand("pass", "desk")
	h.mustCommand("home", "faq")
	h.wantOwner("desk", 3)
	h.want("home", h.conv().Home, "faq")
}

func TestOperatorClosesTheConversation(t *testing.T) {
	h := newHarness(t, testPolicy(t))
	h.customer("one")
	h.drain("faq")
	h.mustCommand("close", "")
	h.want("closed by", h.conv().Closing, "operator")
	if err := h.command("close", ""); !errors.Is(err, ErrNoConversation) {
		t.Errorf("second close = %v, want ErrNoConversation", err)
	}
	h.mustCommand("note", "")
}

func TestPauseOfAChannelIsKept(t *testing.T) {
	h := newHarness(t, testPolicy(t))
	pause := func(paused bool) (changed bool) {
		h.transact(func(tx *Transaction) {
			changed = tx.PauseChannel("faq", paused, &Command{Name: "pause", User: "ann", Reason: "repair", Channel: "faq"})
		})
		return changed
	}
	if !pause(true) || pause(true) {
		t.Error("the first pause must change the state, and the second must not")
	}
	h.restore()
	if p := h.restored.Pause("faq"); !p.Active() || p.User != "ann" || p.Reason != "repair" || !p.Since.Equal(h.now) {
		t.Errorf("pause %+v after a restart, want an active one by ann for repair", p)
	}
	h.now = h.now.Add(time.Minute)
	if !pause(false) || pause(false) {
		t.Error("the first resume must change the state, and the second must not")
	}
	h.restore()
	if p := h.restored.Pause("faq"); p.Active() || !p.Ended.Equal(h.now) {
		t.Errorf("pause %+v after its end, want one that ended now", p)
	}
	if p := state.New().Pause("faq"); p.Active() {
		t.Error("a channel that was never paused has an active pause")
	}
}

func TestOfferToPausedChannelFails(t *testing.T) {
	p := testPolicy(t, onWord("ask", route.Rule{Offer: route.NewOffer("desk"), Say: route.Say{Default: "looking"}}),
		route.Rule{Name: "sorry", Events: []route.Event{route.EventOfferFailed}, When: `reason == "paused"`,
			Say: route.Say{Default: "sorry"}})
	h := newHarness(t, p)
	h.customer("one")
	h.drain("faq")
	h.transact(func(tx *Transaction) { tx.PauseChannel("desk", true, &Command{Name: "pause", Channel: "desk"}) })
	h.customer("ask")
	h.wantLines("to the customer", h.queue("web"), "sorry")
	h.wantLines("to the owner", h.queue("faq"), "ask")
}
