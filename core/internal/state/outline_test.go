package state

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestOutlineAgreesWithItsConversation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyConversation(t, "c1")
		data := appendConversation(nil, c)
		var numbers channelNumbers
		o := outline{threads: []Key{keyOf("of another conversation")}}
		rest, err := o.read(append(data, "rest"...))
		if err != nil || string(rest) != "rest" || o.id != keyOf(c.ID) || o.busy != c.isBusy() {
			t.Fatalf("read = %q, %v; outline %+v of %+v", rest, err, o, c)
		}
		if want := numbers.summarize(c); !o.busy && o.summary(&numbers) != want {
			t.Fatalf("summary %+v, want %+v", o.summary(&numbers), want)
		}
		var want []Key
		for channel, th := range c.Threads {
			if !th.Reassigned {
				want = append(want, keyOf(channel, th.ID))
			}
		}
		for _, f := range c.FormerThreads {
			want = append(want, keyOf(f.Channel, f.Thread))
		}
		order := cmpopts.SortSlices(func(x, y Key) bool { return slices.Compare(x[:], y[:]) < 0 })
		if diff := cmp.Diff(want, o.threads, order, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal("threads:", diff)
		}
	})
}
