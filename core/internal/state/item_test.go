package state

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/render"
)

func TestItemsSurviveTheJournal(t *testing.T) {
	for name, it := range map[string]Item{
		"text": {Pos: Position{Seq: 1}, TextBytes: 5},
		"media": {
			Pos: Position{Seq: 7, Index: 2}, TextBytes: 3, Rich: true,
			Extent: render.Extent{BytesWithoutMedia: 3, BytesWithMedia: 40, Media: 2, Types: 3},
		},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := proto.Marshal(it.Proto())
			if err != nil {
				t.Fatal(err)
			}
			var back journal.Item
			if err := proto.Unmarshal(data, &back); err != nil {
				t.Fatal(err)
			}
			if got := toItem(&back); got != it {
				t.Errorf("got %+v, want %+v", got, it)
			}
		})
	}
}

func TestBoundedListsKeepTheNewestElements(t *testing.T) {
	const keep = 10
	var list []int
	for i := range 200 {
		older := append([]int(nil), list...)
		shared := list
		list = appendBounded(list, i, keep)
		if got := list[len(list)-1]; got != i {
			t.Fatalf("the last element is %d, want %d", got, i)
		}
		if len(list) < min(i+1, keep) || len(list) > keep+trimSlack {
			t.Fatalf("the list has %d elements after %d appends", len(list), i+1)
		}
		for j := range shared {
			if shared[j] != older[j] {
				t.Fatalf("append %d changed element %d of an older list", i, j)
			}
		}
	}
}
