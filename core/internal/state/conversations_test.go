package state

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// TestConversationsEqualAMap compares the conversations of a state, most of them at rest, with a map of values.
func TestConversationsEqualAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, want := NewWithLimit(rapid.IntRange(1, 4).Draw(t, "limit")), map[string]*Conversation{}
		ids := rapid.Map(rapid.IntRange(1, 40), func(n int) string { return fmt.Sprint("c", n) })
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			id := ids.Draw(t, "id")
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				s.convs.remove(id)
				delete(want, id)
			case 1:
				s = restoredFrom(t, s)
			case 2, 3, 4:
				if got := s.Conversation(id); (got == nil) != (want[id] == nil) {
					t.Fatalf("conversation %s: %v, want %v", id, got, want[id])
				}
			default:
				c := anyConversation(t, id)
				s.convs.put(id, c)
				s.changed[bucketOf(id)] = true
				want[id] = c
			}
		}
		checkConversations(t, s, want)
	})
}

func restoredFrom(t *rapid.T, s *State) *State {
	for bucket := range uint32(convBuckets) {
		s.changed[bucket] = true
	}
	snapshot := s.Snapshot()
	s.All(func(c *Conversation) bool { // encoding runs while the state changes
		s.convs.put(c.ID, &Conversation{ID: c.ID, Owner: "newer"})
		return true
	})
	buckets, meta, err := snapshot.Encode()
	if err != nil {
		t.Fatal(err)
	}
	restored := NewWithLimit(s.convs.limit)
	if err := restored.Restore(buckets, meta); err != nil {
		t.Fatal(err)
	}
	return restored
}

func anyConversation(t *rapid.T, id string) *Conversation {
	number := func(name string) uint64 { return rapid.Uint64Range(0, 3).Draw(t, name) }
	c := &Conversation{
		ID: id, Owner: fmt.Sprint("owner", number("owner")), Threads: map[string]*Thread{},
		Thread: string(make([]byte, rapid.IntRange(0, 400).Draw(t, "bytes"))),
	}
	for i := range number("history") {
		c.History = append(c.History, HistoryEntry{Item{Pos: Position{Seq: 10 + i}}, "customer", "web"})
	}
	if n := number("queued"); n > 0 {
		c.Lanes = []Lane{{"web", []Delivery{{ID: "d", Item: Item{Pos: Position{Seq: 20 + n}}, QueuedAt: start}}}}
	}
	if n := number("unanswered"); n > 0 {
		c.UnansweredSince = start.Add(time.Duration(n))
	}
	if number("offer") == 0 {
		c.Offer = &Offer{Target: "desk", Deadline: start}
	}
	if number("closing") == 0 {
		c.Closing = "rule"
	}
	if number("thread") > 0 {
		c.Threads["bot"] = &Thread{ID: "bot-" + id, Live: true, Reassigned: number("reassigned") == 0}
	}
	for i := range number("former threads") {
		c.FormerThreads = append(c.FormerThreads, FormerThread{"bot", fmt.Sprint("former-", i, id)})
	}
	switch number("held") {
	case 0:
		c.Held, c.Lanes = []Item{}, slices.Grow(c.Lanes, 1) // empty lists are encoded too
	case 1:
		c.Held = []Item{{Pos: Position{Seq: 30}}}
	}
	if number("departure") == 0 {
		c.Departure = &Departure{Channel: "desk", Deadline: start}
	}
	return c
}

func checkConversations(t *rapid.T, s *State, want map[string]*Conversation) {
	got := map[string]*Conversation{}
	s.All(func(c *Conversation) bool { got[c.ID] = c; return true })
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatal(diff)
	}
	if s.Len() != len(want) || len(s.convs.decoded) > s.convs.limit {
		t.Fatalf("%d conversations, %d decoded; want %d, at most %d", s.Len(), len(s.convs.decoded), len(want), s.convs.limit)
	}
	var busy, paged, threads []string
	waiting, open := map[string]int{}, 0
	low := map[bool]uint64{true: 100, false: 100}
	for id, c := range want {
		if len(c.Lanes)+len(c.Held) > 0 || c.Offer != nil || c.Departure != nil {
			busy = append(busy, id)
		}
		if !c.UnansweredSince.IsZero() {
			waiting[fmt.Sprint(c.AwaitedChannel(), c.UnansweredSince.UnixNano())]++
		}
		if c.Closing == "" {
			open++
		}
		if c.Closing == "" && c.Threads["bot"] != nil {
			threads = append(threads, "bot-"+id)
		}
		if p, ok := c.Oldest(); ok {
			low[true], low[false] = min(low[true], p.Seq), min(low[false], p.Seq)
		}
		if len(c.History) > 0 {
			low[true] = min(low[true], c.History[0].Pos.Seq)
		}
	}
	check := func(what string, got, want any) {
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%s: %s", what, diff)
		}
	}
	var gotBusy, gotThreads []string
	s.EachBusy(func(c *Conversation) { gotBusy = append(gotBusy, c.ID) })
	slices.Sort(busy)
	slices.Sort(gotBusy)
	check("busy", gotBusy, busy)
	for _, th := range s.LiveThreads("bot") {
		gotThreads = append(gotThreads, th.ID)
	}
	slices.Sort(threads)
	check("live threads", gotThreads, threads)
	gotWaiting := map[string]int{}
	s.EachUnanswered(func(channel string, since time.Time) { gotWaiting[fmt.Sprint(channel, since.UnixNano())]++ })
	check("unanswered", gotWaiting, waiting)
	check("open", s.LiveCount(), open)
	for _, history := range []bool{true, false} {
		oldest, _ := s.OldestNeeded(100, Retention{History: history})
		check("oldest", oldest, low[history])
	}
	for at := uint64(0); ; {
		if at = s.Page(at, 3, func(c *Conversation) { paged = append(paged, c.ID) }); at == 0 {
			break
		}
	}
	slices.Sort(paged)
	check("pages", paged, slices.Sorted(maps.Keys(want)))
}
