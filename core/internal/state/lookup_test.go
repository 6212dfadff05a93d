package state

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLookupFindsConversationsByEveryID(t *testing.T) {
	s := New()
	c := &Conversation{
		ID: "c1", Channel: "web", Thread: "w1", SenderID: "anna",
		Lanes:         []Lane{{Channel: "faq", Queue: []Delivery{{ID: "d1"}, {ID: "d2"}}}},
		Threads:       map[string]*Thread{"web": {ID: "w1"}, "desk": {ID: "other", Reassigned: true}},
		FormerThreads: []FormerThread{{"faq", "bot-1"}},
	}
	s.convs.put("c1", c)
	s.convs.put("c2", &Conversation{ID: "c2", Channel: "web", Thread: "w2", SenderID: "anna"})
	s.deadLetters["d0"] = &DeadLetter{Conversation: "ended", Delivery: Delivery{ID: "d0"}}
	s.deadLetters["undecided"] = &DeadLetter{Delivery: Delivery{ID: "undecided"}}
	short := c.CustomerID()
	if !IsCustomerID(short) || IsCustomerID(short[1:]) || IsCustomerID("z"+short[1:]) {
		t.Errorf("IsCustomerID does not recognize %s, or recognizes something else", short)
	}
	got := s.Lookup([]string{"c1", "w1", "bot-1", "anna", short, "d2", "d0", "undecided", "other", "unknown", ""})
	slices.Sort(got["anna"])
	want := map[string][]string{
		"c1": {"c1"}, "w1": {"c1"}, "bot-1": {"c1"}, "anna": {"c1", "c2"}, short: {"c1"}, "d2": {"c1"}, "d0": {"ended"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
