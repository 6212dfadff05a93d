package trail

import (
	"testing"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/recorded"
	"patchbay/sdk/envelope"
)

// If the log no longer contains the opening of a conversation, the runs of its rules are omitted and counted.
func TestDecisionsOfOlderConversationsAreOmitted(t *testing.T) {
	h := newHistory(t)
	routed := func(conv string) {
		h.record(nil, change(conv, &journal.Change_Routed{Routed: &journal.Routed{
			Event: "idle", Channel: "web", After: 60e9, Rules: []string{"rule"},
		}}))
	}
	h.open("old", "w1")
	h.open("new", "w2")
	routed("old")
	routed("new")
	if err := h.log.Purge(h.Context(), 2); err != nil {
		t.Fatal(err)
	}
	policy := &conversation.Policy{Channels: map[string]*conversation.Channel{
		"web": {Name: "web", Role: envelope.RoleCustomer}, "faq": {Name: "faq", Role: envelope.RoleBot},
	}}
	var got []*recorded.Decision
	omitted, err := New(h.log, h).Decisions(t.Context(), policy, DecisionQuery{Last: 10}, func(d *recorded.Decision) error {
		got = append(got, d)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if omitted != 1 || len(got) != 1 || got[0].Conversation != "new" {
		t.Fatalf("%d omitted, decisions %+v", omitted, got)
	}
	f := got[0].Facts
	if f.Event != "idle" || f.After != "1m0s" || f.Owner != "faq" || f.OwnerRole != "bot" || f.Role != "customer" {
		t.Errorf("facts %+v", f)
	}
}
