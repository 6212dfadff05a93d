package state

import (
	"encoding/binary"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"patchbay/core/internal/journal"
)

// idOf returns the id of a number. like selects the form: a hash, or ids of which many begin the search at the same
// slot.
func idOf(n int, like string) (id ID) {
	start := uint64(n) * 0x9e3779b97f4a7c15
	if like == "collisions" {
		start = uint64(n % 7)
	}
	binary.LittleEndian.PutUint64(id[:], start)
	binary.LittleEndian.PutUint64(id[8:], uint64(n))
	return id
}

func acceptedID(id ID) *journal.Change {
	return change("c1", &journal.Change_Accepted{Accepted: &journal.Accepted{Channel: "web", Digest: id[:]}})
}

// TestRecentIDs compares the recent ids with a list, over records, snapshots, and restores with another clock.
func TestRecentIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, saved := New(), map[uint32][]byte{}
		now, seq := start, uint64(0)
		accepted := map[int]time.Time{}
		record := func(changes ...*journal.Change) {
			seq++
			if err := s.FoldRecord(seq, &journal.Record{Lease: 1, At: now.UnixNano(), Changes: changes}); err != nil {
				t.Fatal(err)
			}
		}
		has := func(n int) bool { return NewLayer(s, now, seq+1, nil).HasID(idOf(n, "collisions")) }
		record(opened("c1"))
		t.Repeat(map[string]func(*rapid.T){
			"accept": func(t *rapid.T) {
				var changes []*journal.Change
				for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 300), 1, 40, rapid.ID).Draw(t, "ids") {
					if !has(n) {
						changes = append(changes, acceptedID(idOf(n, "collisions")))
						accepted[n] = now
					}
				}
				record(changes...)
			},
			"time": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, "minutes")) * time.Minute)
			},
			"restart with the clock set back": func(t *rapid.T) {
				maps.DeleteFunc(accepted, func(n int, _ time.Time) bool { return !has(n) })
				now = now.Add(-time.Duration(rapid.IntRange(1, 3000).Draw(t, "minutes")) * time.Minute)
				record(change("", &journal.Change_LeaseStarted{LeaseStarted: &journal.LeaseStarted{}}))
				for n, at := range accepted {
					accepted[n] = earlier(at, now)
				}
			},
			"snapshot": func(t *rapid.T) {
				buckets, meta, err := s.Snapshot().Encode()
				if err != nil {
					t.Fatal(err)
				}
				maps.Copy(saved, buckets)
				s = New()
				if err := s.Restore(saved, meta); err != nil {
					t.Fatal(err)
				}
			},
			"": func(t *rapid.T) {
				for n, at := range accepted {
					switch age := now.Sub(at); {
					case age < IDRetention && !has(n):
						t.Fatalf("id %d is forgotten after %s", n, age)
					case age > IDRetention+idPageAge && has(n):
						t.Fatalf("id %d is kept after %s", n, age)
					}
				}
			},
		})
	})
}

func TestRecentIDsAreBounded(t *testing.T) {
	r := recentIDs{changed: map[uint32]bool{}}
	for n := range MaxRecentIDs + 3*idPageSize {
		r.add(idOf(n, "hash"), start)
	}
	if r.count > MaxRecentIDs || len(r.table) > 2*MaxRecentIDs {
		t.Errorf("%d ids and %d slots", r.count, len(r.table))
	}
	memory := 4 * len(r.table)
	for _, p := range r.ring {
		if p != nil {
			memory += cap(p.IDs)
		}
	}
	if limit := 24 * MaxRecentIDs; memory > limit+limit/100 {
		t.Errorf("%d bytes, want about %d", memory, limit)
	}
	for _, n := range []int{3 * idPageSize, MaxRecentIDs, MaxRecentIDs + 3*idPageSize - 1} {
		if !r.contains(idOf(n, "hash"), start) {
			t.Errorf("id %d is forgotten", n)
		}
	}
	if r.contains(idOf(0, "hash"), start) {
		t.Error("the oldest id is still remembered")
	}
}

func TestSnapshotRewritesOnlyTheNewestPageOfIDs(t *testing.T) {
	s := New()
	fold(t, s, 1, opened("c1"))
	ids := func(from, to int) (changes []*journal.Change) {
		for n := from; n < to; n++ {
			changes = append(changes, acceptedID(idOf(n, "hash")))
		}
		return changes
	}
	fold(t, s, 2, ids(0, 5*idPageSize/2)...)
	s.Snapshot()
	fold(t, s, 3, ids(3*idPageSize, 3*idPageSize+1)...)
	buckets, _, err := s.Snapshot().Encode()
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(buckets)); !slices.Equal(got, []uint32{bucketOf("c1"), bucketIDs + 2}) {
		t.Errorf("buckets %v, want that of the conversation and the third page of ids", got)
	}
}

// BenchmarkRecentIDs measures deduplication of one message with a full memory of ids.
func BenchmarkRecentIDs(b *testing.B) {
	r := recentIDs{changed: map[uint32]bool{}}
	n := 0
	for ; n < MaxRecentIDs; n++ {
		r.add(idOf(n, "hash"), start)
	}
	for b.Loop() {
		n++
		if !r.contains(idOf(n, "hash"), start) {
			r.forget(start)
			r.add(idOf(n, "hash"), start)
		}
	}
}
