package native

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"patchbay/sandbox/fault"
)

func TestSayLetsTheNextGoFirst(t *testing.T) {
	base, heard := gateway(t)
	s := New(Options{Gateway: base})
	defer s.Close()
	s.Faults.Add(fault.Fault{Kind: fault.Reorder, Endpoint: EndpointSay, Count: 1, Delay: time.Hour})
	first := make(chan error, 1)
	go func() {
		_, _, err := s.Say(soon(t), user, "first")
		first <- err
	}()
	if err := s.Faults.Hits.Wait(soon(t), func(h []fault.Hit) bool { return len(h) == 1 }); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Say(soon(t), "somebody else", "other"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Say(soon(t), user, "second"); err != nil {
		t.Fatal(err)
	}
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, line := range *heard {
		_, rest, _ := strings.Cut(line, `"userSay":"`)
		word, _, _ := strings.Cut(rest, `"`)
		words = append(words, word)
	}
	if got := strings.Join(words, " "); got != "other second first" {
		t.Errorf("the gateway heard %q", got)
	}
}

func TestNobodyComesNext(t *testing.T) {
	base, heard := gateway(t)
	s := New(Options{Gateway: base})
	defer s.Close()
	s.Faults.Add(fault.Fault{Kind: fault.Reorder, Endpoint: EndpointSay, Count: 1, Delay: time.Millisecond})
	s.Faults.Add(fault.Fault{Kind: fault.Reorder, Endpoint: EndpointSay, Delay: time.Hour})
	if _, _, err := s.Say(soon(t), user, "alone"); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(soon(t))
	cancel()
	if _, _, err := s.Say(ctx, user, "given up"); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want that of the context", err)
	}
	if len(*heard) != 1 || len(s.turns.users) != 0 {
		t.Errorf("the gateway heard %q; %d users wait", *heard, len(s.turns.users))
	}
}
