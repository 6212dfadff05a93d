package conversation

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLookup: whatever leads to a live conversation leads to it, and nothing else.
func TestLookup(t *testing.T) {
	b := NewState()
	c := &Conversation{
		ID: "c1", Channel: "web", Thread: "w1", SenderID: "anna",
		Lanes: []Lane{{Channel: "faq", Queue: []Delivery{{ID: "d1"}, {ID: "d2"}}}},
	}
	b.convs["c1"], b.convs["c2"] = c, &Conversation{ID: "c2", Channel: "web", Thread: "w2", SenderID: "anna"}
	b.threads = map[ThreadKey]string{{"web", "w1"}: "c1", {"web", "w2"}: "c2", {"faq", "bot-1"}: "c1"}
	b.dead["d0"] = &DeadLetter{Conversation: "gone", Delivery: Delivery{ID: "d0"}}
	b.dead["stray"] = &DeadLetter{Delivery: Delivery{ID: "stray"}}
	short := CustomerID(c)
	if !IsCustomerID(short) || IsCustomerID(short[1:]) || IsCustomerID("z"+short[1:]) {
		t.Errorf("IsCustomerID does not know the form of %s", short)
	}
	got := b.Lookup([]string{"c1", "w1", "bot-1", "anna", short, "d2", "d0", "stray", "nobody", ""})
	slices.Sort(got["anna"])
	want := map[string][]string{
		"c1": {"c1"}, "w1": {"c1"}, "bot-1": {"c1"}, "anna": {"c1", "c2"}, short: {"c1"}, "d2": {"c1"}, "d0": {"gone"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
