package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// polls are settings of a channel that polls.
func polls(changes map[string]any) map[string]any {
	all := map[string]any{"inbound": "poll", "verify": nil}
	for k, c := range changes {
		all[k] = c
	}
	return all
}

// shelf is where a Listen's envelopes are stored. It fails while broken is set.
type shelf struct {
	mu     sync.Mutex
	broken error
	refuse int // so many calls fail
	texts  map[string][]string
	kinds  []string
	calls  int
	busy   bool
}

func (s *shelf) emit(ctx context.Context, envelopes []*envelope.Envelope, cursor []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.refuse > 0 {
		s.refuse--
		return s.broken
	}
	if s.busy || cursor != nil || len(envelopes) == 0 {
		return fmt.Errorf("busy %v, cursor %q, %d envelopes", s.busy, cursor, len(envelopes))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, e := range envelopes {
		if s.texts == nil {
			s.texts = map[string][]string{}
		}
		s.texts[e.Thread] = append(s.texts[e.Thread], e.Text())
		s.kinds = append(s.kinds, string(e.Kind))
	}
	return nil
}

func (s *shelf) of(user string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.texts[user])
}

// listening runs Listen until stop, which returns its error.
func listening(t *testing.T, a *adapter, s *shelf, threads ...string) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &sdk.Listening{Channel: "desk"}
	for _, th := range threads {
		l.Threads = append(l.Threads, sdk.OpenThread{Thread: th, State: []byte(`{"name":"Ada"}`)})
	}
	done := make(chan error, 1)
	go func() { done <- a.Listen(ctx, l, s.emit) }()
	return func() error {
		cancel()
		return <-done
	}
}

func chatTo(user, text string) string {
	return fmt.Sprintf(`{"from":%q,"to":%q,"channel":"WEB","controlType":"CHAT","mediaType":"TEXT","content":%q,`+
		`"sourceType":"AGENT","timestamp":1625898453913}`, testChannelID, user, text)
}

func disconnectOf(user string) string {
	return fmt.Sprintf(`{"from":%q,"to":%q,"controlType":"DISCONNECT","sourceType":"AGENT","timestamp":1}`, testChannelID, user)
}

func TestPollsAtTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &shelf{}
		a := deskIn(t, v, polls(map[string]any{"poll_interval": "3s"}))
		v.says("ada", chatTo("ada", "one"), chatTo("ada", "two"))
		stop := listening(t, a, s, "ada", "bob")
		synctest.Wait()
		if d := cmp.Diff([]string{"one", "two"}, s.of("ada")); d != "" {
			t.Errorf("first poll (-want +got):\n%s", d)
		}
		v.says("bob", chatTo("bob", "three"))
		wait(t, 2999*time.Millisecond)
		synctest.Wait()
		if s.of("bob") != nil || v.polled("bob") != 1 {
			t.Errorf("polled %d times before the interval was over", v.polled("bob"))
		}
		wait(t, time.Millisecond)
		synctest.Wait()
		if d := cmp.Diff([]string{"three"}, s.of("bob")); d != "" || v.polled("ada") != 2 {
			t.Errorf("second poll (-want +got):\n%s", d)
		}
		if err := stop(); err != nil {
			t.Errorf("Listen = %v", err)
		}
		if v.count("token") != 1 || v.count("apply") != 2 {
			t.Errorf("%d and %d token calls; want 1 and 2", v.count("token"), v.count("apply"))
		}
	})
}

// Who is let in or written to while Listen runs is polled at once; who has left, or whose agent has, is not any more.
func TestPolledUsersComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &shelf{}
		a := deskIn(t, v, polls(nil))
		stop := listening(t, a, s)
		defer func() { _ = stop() }()
		wait(t, time.Minute)
		v.says(testUser, chatTo(testUser, "welcome"))
		o, err := a.Open(t.Context(), opening())
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if d := cmp.Diff([]string{"welcome"}, s.of(testUser)); d != "" {
			t.Fatalf("after Open (-want +got):\n%s", d)
		}
		v.says(testUser, disconnectOf(testUser))
		wait(t, 2*time.Second)
		synctest.Wait()
		polled := v.polled(testUser)
		wait(t, time.Minute)
		if n := v.polled(testUser); n != polled {
			t.Errorf("%d polls after the agent left", n-polled)
		}
		d := delivery(message("Still there?"))
		d.State = o.State
		if _, err := a.Deliver(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := v.polled(testUser); n != polled+1 {
			t.Errorf("%d polls after a message; want 1", n-polled)
		}
		end := delivery(&envelope.Envelope{Kind: envelope.KindClosed})
		if _, err := a.Deliver(t.Context(), end); err != nil {
			t.Fatal(err)
		}
		wait(t, time.Minute)
		if n := v.polled(testUser); n != polled+1 {
			t.Errorf("%d polls after the customer left", n-polled-1)
		}
	})
}

// The end of an earlier session does not end the polls of one that was opened since.
func TestEndOfAnEarlierSession(t *testing.T) {
	s := newSessions(time.Now)
	s.open("ada", threadState{})
	_, openings, _ := s.start()
	s.open("ada", threadState{})
	end := []*envelope.Envelope{{Kind: envelope.KindDisconnected}}
	s.finish(pollResult{user: "ada", openings: openings, envelopes: end}, time.Second)
	s.markStored()
	if s.count() != 1 {
		t.Error("the new session is not polled")
	}
	s.finish(pollResult{user: "ada", openings: openings + 1, envelopes: end}, time.Second)
	s.markStored()
	if s.count() != 0 {
		t.Error("the session is polled after its end")
	}
}

// A user who leaves and comes back while a poll is under way is not polled twice at a time: messages could change
// places.
func TestOnePollOfAUserAtATime(t *testing.T) {
	s := newSessions(time.Now)
	s.open("ada", threadState{})
	_, openings, _ := s.start()
	s.close("ada")
	if s.count() != 0 {
		t.Error("who has left counts")
	}
	s.resume("ada", threadState{UserName: "Ada"})
	if user, _, _ := s.start(); user != "" || s.count() != 1 {
		t.Errorf("%q is polled though a poll is under way", user)
	}
	s.finish(pollResult{user: "ada", openings: openings, envelopes: []*envelope.Envelope{{Kind: envelope.KindDisconnected}}}, 0)
	s.markStored()
	if user, _, _ := s.start(); user != "ada" || s.state("ada").UserName != "Ada" {
		t.Errorf("%q is polled; want ada, by the new state", user)
	}
	s.close("ada")
	s.finish(pollResult{user: "ada"}, 0)
	if len(s.users) != 0 {
		t.Errorf("%d users are remembered", len(s.users))
	}
}

// While AICC refuses the credentials it is asked seldom, by all users together.
func TestRefusedCredentialsArePolledSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &shelf{}
		v.answer = func(call string, _ *http.Request, _ []byte) http.HandlerFunc {
			if call == "token" {
				return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{}`, http.StatusUnauthorized) }
			}
			return nil
		}
		a := deskIn(t, v, polls(nil))
		stop := listening(t, a, s, "ada", "bob", "cyd")
		wait(t, 10*time.Minute)
		if n := v.count("token"); n > 3*21 {
			t.Errorf("%d requests for an access token in ten minutes", n)
		}
		if err := a.Health(t.Context(), "desk"); err == nil || !strings.Contains(err.Error(), "access token") {
			t.Errorf("Health = %v; want that there is no access token", err)
		}
		_ = stop()
	})
}

// Users of another account are not polled by a channel that is configured anew.
func TestAnotherAccountPollsNobodyElsesUsers(t *testing.T) {
	a, v := newAdapter(), newMemoryVendor()
	configureIn(t, a, v, polls(nil))
	former := a.channels["desk"].sessions
	former.open("ada", threadState{})
	for _, tt := range []struct {
		changes map[string]any
		same    bool
	}{
		{map[string]any{"poll_interval": "9s"}, true},
		{map[string]any{"base_url": "https://other.example.com"}, false},
		{map[string]any{"channel_id": otherChannel}, false},
	} {
		configureIn(t, a, v, polls(nil))
		a.channels["desk"].sessions = former
		configureIn(t, a, v, polls(tt.changes))
		if same := a.channels["desk"].sessions == former; same != tt.same {
			t.Errorf("%v: the users went over: %v", tt.changes, same)
		}
	}
	configureIn(t, a, v, nil)
	if a.channels["desk"].sessions != nil {
		t.Error("a channel to which AICC pushes has users to poll")
	}
}

// What was polled and could not be stored is emitted again, by another Listen and also by another configuration, before
// anything is polled anew.
func TestUnstoredMessagesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &shelf{broken: errors.New("the store is full"), refuse: 2}
		a := deskIn(t, v, polls(nil))
		v.says("ada", chatTo("ada", "one"))
		done := listening(t, a, s, "ada")
		synctest.Wait()
		v.says("ada", chatTo("ada", "two"))
		if err := a.Listen(t.Context(), &sdk.Listening{Channel: "desk"}, s.emit); !errors.Is(err, s.broken) {
			t.Fatalf("Listen = %v; want the store's error", err)
		}
		if n := v.polled("ada"); n != 1 {
			t.Errorf("%d polls while a message could not be stored; want 1", n)
		}
		_ = done()
		configureIn(t, a, v, polls(map[string]any{"poll_interval": "1s"}))
		stop := listening(t, a, s)
		synctest.Wait()
		if d := cmp.Diff([]string{"one"}, s.of("ada")); d != "" {
			t.Errorf("after the store's recovery (-want +got):\n%s", d)
		}
		wait(t, 3*time.Second)
		synctest.Wait()
		if d := cmp.Diff([]string{"one", "two"}, s.of("ada")); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if err := stop(); err != nil {
			t.Errorf("Listen = %v", err)
		}
	})
}

// A store that fails ends Listen with its error.
func TestListenReturnsTheStoresError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &shelf{broken: errors.New("the store is full"), refuse: 1}
		a := deskIn(t, v, polls(nil))
		v.says("ada", chatTo("ada", "one"))
		err := a.Listen(t.Context(), &sdk.Listening{Channel: "desk", Threads: []sdk.OpenThread{{Thread: "ada"}}}, s.emit)
		if !errors.Is(err, s.broken) {
			t.Errorf("Listen = %v; want the store's error", err)
		}
	})
}

// A poll that is under way when the store fails takes its messages all the same: Listen waits for it, and they are kept.
func TestUnderWayWhenTheStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &shelf{broken: errors.New("the store is full"), refuse: 1}
		v.answer = func(call string, r *http.Request, _ []byte) http.HandlerFunc {
			if call == "poll" && r.URL.Query().Get("receiverId") == "bob" {
				wait(t, time.Second)
			}
			return nil
		}
		a := deskIn(t, v, polls(nil))
		v.says("ada", chatTo("ada", "one"))
		v.says("bob", chatTo("bob", "two"))
		began := time.Now()
		err := a.Listen(t.Context(), &sdk.Listening{
			Channel: "desk", Threads: []sdk.OpenThread{{Thread: "ada"}, {Thread: "bob"}},
		}, s.emit)
		if !errors.Is(err, s.broken) || time.Since(began) != time.Second {
			t.Fatalf("Listen = %v after %s; want the store's error once the other poll has ended", err, time.Since(began))
		}
		stop := listening(t, a, s)
		synctest.Wait()
		if one, two := s.of("ada"), s.of("bob"); len(one) != 1 || len(two) != 1 || v.polled("bob") != 1 {
			t.Errorf("stored %q and %q, bob was polled %d times", one, two, v.polled("bob"))
		}
		if err := stop(); err != nil {
			t.Errorf("Listen = %v", err)
		}
	})
}

// A poll that is under way when Listen is to end has taken its messages: they are stored still.
func TestListenEndsWithWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &shelf{}
		v.answer = func(call string, _ *http.Request, _ []byte) http.HandlerFunc {
			if call == "poll" {
				wait(t, time.Second)
			}
			return nil
		}
		a := deskIn(t, v, polls(nil))
		v.says("ada", chatTo("ada", "just in time"))
		stop := listening(t, a, s, "ada")
		synctest.Wait() // the poll is under way
		began := time.Now()
		if err := stop(); err != nil {
			t.Errorf("Listen = %v", err)
		}
		if d := cmp.Diff([]string{"just in time"}, s.of("ada")); d != "" || time.Since(began) > pollGrace {
			t.Errorf("after %s (-want +got):\n%s", time.Since(began), d)
		}
	})
}

// A vendor that hangs holds Listen up no longer than the grace.
func TestListenEndsThoughTheVendorHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &shelf{}
		v.answer = func(call string, r *http.Request, _ []byte) http.HandlerFunc {
			if call == "poll" {
				return func(http.ResponseWriter, *http.Request) { <-r.Context().Done() }
			}
			return nil
		}
		a := deskIn(t, v, polls(nil))
		stop := listening(t, a, s, "ada")
		synctest.Wait()
		began := time.Now()
		if err := stop(); err != nil {
			t.Errorf("Listen = %v", err)
		}
		if took := time.Since(began); took > pollGrace {
			t.Errorf("Listen ended after %s; want %s at most", took, pollGrace)
		}
	})
}

// A user for whom polls fail is polled less often, others as before; the channel is sick meanwhile only if all fail.
func TestPollsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &shelf{}
		v.answer = func(call string, r *http.Request, _ []byte) http.HandlerFunc {
			if call == "poll" && r.URL.Query().Get("receiverId") == "ada" {
				return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{}`, http.StatusInternalServerError) }
			}
			return nil
		}
		a := deskIn(t, v, polls(nil))
		stop := listening(t, a, s, "ada")
		wait(t, 10*time.Minute)
		if n := v.count("poll"); n < 12 || n > 40 { // a minute or half of one between two of them
			t.Errorf("%d polls in ten minutes of failures", n)
		}
		if err := a.Health(t.Context(), "desk"); err == nil || !strings.Contains(err.Error(), "poll") {
			t.Errorf("Health = %v; want that polls fail", err)
		}
		a.channels["desk"].sessions.resume("bob", readState(nil))
		wait(t, time.Minute)
		if n := v.polled("bob"); n < 29 {
			t.Errorf("another user was polled %d times in a minute", n)
		}
		if err := a.Health(t.Context(), "desk"); err != nil {
			t.Errorf("Health = %v; want nil while others' polls go well", err)
		}
		_ = stop()
	})
}

// What AICC refuses for one user says nothing about the channel.
func TestRefusedPollsAreNotTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &shelf{}
		v.answer = func(call string, _ *http.Request, _ []byte) http.HandlerFunc {
			if call == "poll" {
				return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"resultCode":"13"}`) }
			}
			return nil
		}
		a := deskIn(t, v, polls(nil))
		stop := listening(t, a, s, "ada")
		wait(t, 10*time.Minute)
		if err := a.Health(t.Context(), "desk"); err != nil {
			t.Errorf("Health = %v", err)
		}
		if n := v.count("poll"); n > 40 {
			t.Errorf("%d polls in ten minutes of refusals", n)
		}
		_ = stop()
	})
}

// 429 holds up all users, as long as AICC says.
func TestThrottledPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &shelf{}
		throttled := true
		v.answer = func(call string, _ *http.Request, _ []byte) http.HandlerFunc {
			if call != "poll" || !throttled {
				return nil
			}
			throttled = false
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "40")
				http.Error(w, `{}`, http.StatusTooManyRequests)
			}
		}
		a := deskIn(t, v, polls(nil))
		stop := listening(t, a, s, "ada")
		synctest.Wait()
		a.channels["desk"].sessions.resume("bob", readState(nil))
		wait(t, 39*time.Second)
		synctest.Wait()
		if n := v.count("poll"); n != 1 {
			t.Errorf("%d polls within the time that AICC asked for; want 1", n)
		}
		wait(t, 2*time.Second)
		synctest.Wait()
		if v.polled("ada") == 0 || v.polled("bob") == 0 {
			t.Error("nobody was polled afterwards")
		}
		_ = stop()
	})
}

// Polls and deliveries share a user's newest token: AICC takes no other.
func TestPollsAndDeliveriesShareTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &shelf{}
		v.freshToken = true
		a := deskIn(t, v, polls(nil))
		o, err := a.Open(t.Context(), opening())
		if err != nil {
			t.Fatal(err)
		}
		stop := listening(t, a, s)
		for range 5 {
			wait(t, 2*time.Second)
			synctest.Wait()
			d := delivery(message("x"))
			d.State = o.State // an old one
			if _, err := a.Deliver(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		if n := v.count("apply"); n != 1 {
			t.Errorf("%d calls of applyToken; want 1", n)
		}
		_ = stop()
	})
}

// Tokens are renewed in time: the access token after four fifths of its life, a user's after 50 minutes.
func TestTokensOfALongSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &shelf{}
		a := deskIn(t, v, polls(map[string]any{"token_life": "10m"}))
		stop := listening(t, a, s, "ada")
		wait(t, 3*time.Hour)
		synctest.Wait()
		if n := v.count("token"); n < 22 || n > 23 { // every 8 minutes
			t.Errorf("%d access tokens in three hours of polls", n)
		}
		if n := v.count("apply"); n != 4 {
			t.Errorf("%d user tokens in three hours; want 4", n)
		}
		if n := v.polled("ada"); n < 5390 {
			t.Errorf("%d polls in three hours", n)
		}
		if err := stop(); err != nil {
			t.Errorf("Listen = %v", err)
		}
	})
}

func TestManyUsersArePolledSomeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &shelf{}
		var mu sync.Mutex
		running, most := 0, 0
		v.answer = func(call string, _ *http.Request, _ []byte) http.HandlerFunc {
			if call != "poll" {
				return nil
			}
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			wait(t, 100*time.Millisecond)
			mu.Lock()
			running--
			mu.Unlock()
			return nil
		}
		var users []string
		for i := range 50 {
			users = append(users, fmt.Sprintf("user-%02d", i))
			v.says(users[i], chatTo(users[i], "hello"))
		}
		a := deskIn(t, v, polls(nil))
		stop := listening(t, a, s, users...)
		wait(t, time.Second)
		synctest.Wait()
		for _, u := range users {
			if d := cmp.Diff([]string{"hello"}, s.of(u)); d != "" {
				t.Errorf("%s (-want +got):\n%s", u, d)
			}
		}
		if most != maxPolls {
			t.Errorf("%d polls at a time; want %d", most, maxPolls)
		}
		_ = stop()
	})
}

// A long list is stored in pieces, in its order.
func TestLongPollIsStoredInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &shelf{broken: errors.New("once"), refuse: 0}
		var want []string
		for i := range 2*maxEmit + 1 {
			want = append(want, fmt.Sprint(i))
			v.says("ada", chatTo("ada", want[i]))
		}
		stop := listening(t, deskIn(t, v, polls(nil)), s, "ada")
		synctest.Wait()
		if d := cmp.Diff(want, s.of("ada")); d != "" || s.calls != 3 {
			t.Errorf("%d calls (-want +got):\n%s", s.calls, d)
		}
		_ = stop()
	})
}

func TestListenIsForPollsAlone(t *testing.T) {
	v := newMemoryVendor()
	a := newAdapter()
	if ep := configureIn(t, a, v, nil); ep.Listens || len(ep.Paths) != 1 {
		t.Errorf("push: Endpoint = %+v", ep)
	}
	err := a.Listen(t.Context(), &sdk.Listening{Channel: "desk"}, (&shelf{}).emit)
	if sdk.KindOf(err) != sdk.KindUnsupported {
		t.Errorf("Listen = %v; want unsupported", err)
	}
	if ep := configureIn(t, a, v, polls(nil)); !ep.Listens || len(ep.Paths) != 0 {
		t.Errorf("poll: Endpoint = %+v", ep)
	}
	if _, err := a.Receive(t.Context(), vectorRequest()); sdk.KindOf(err) != sdk.KindUnauthorized {
		t.Errorf("a push to a channel that polls: %v; want unauthorized", err)
	}
}
