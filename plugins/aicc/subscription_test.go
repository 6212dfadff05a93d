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

// polling returns changes of settings for a channel that polls.
func polling(changes map[string]any) map[string]any {
	all := map[string]any{"inbound": "poll", "verify": nil}
	for k, c := range changes {
		all[k] = c
	}
	return all
}

// store stores the envelopes of a subscription. The next refuse calls of emit fail with broken.
type store struct {
	mu     sync.Mutex
	broken error
	refuse int
	texts  map[string][]string
	kinds  []string
	calls  int
	busy   bool
}

func (s *store) emit(ctx context.Context, envelopes []*envelope.Envelope, cursor []byte) error {
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

// textsOf returns the stored texts of a user.
func (s *store) textsOf(user string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.texts[user])
}

func subscribe(t *testing.T, a *adapter, s *store, threads ...string) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &sdk.Subscription{Channel: "desk"}
	for _, th := range threads {
		l.Threads = append(l.Threads, sdk.LiveThread{Thread: th, State: []byte(`{"name":"Ada"}`)})
	}
	done := make(chan error, 1)
	go func() { done <- a.Subscribe(ctx, l, s.emit) }()
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
		v, s := newMemoryVendor(), &store{}
		a := deskIn(t, v, polling(map[string]any{"poll_interval": "3s"}))
		v.addMessages("ada", chatTo("ada", "one"), chatTo("ada", "two"))
		stop := subscribe(t, a, s, "ada", "bob")
		synctest.Wait()
		if d := cmp.Diff([]string{"one", "two"}, s.textsOf("ada")); d != "" {
			t.Errorf("first poll (-want +got):\n%s", d)
		}
		v.addMessages("bob", chatTo("bob", "three"))
		wait(t, 2999*time.Millisecond)
		synctest.Wait()
		if s.textsOf("bob") != nil || v.polled("bob") != 1 {
			t.Errorf("polled %d times before the interval was over", v.polled("bob"))
		}
		wait(t, time.Millisecond)
		synctest.Wait()
		if d := cmp.Diff([]string{"three"}, s.textsOf("bob")); d != "" || v.polled("ada") != 2 {
			t.Errorf("second poll (-want +got):\n%s", d)
		}
		if err := stop(); err != nil {
			t.Errorf("Subscribe = %v", err)
		}
		if v.count("token") != 1 || v.count("apply") != 2 {
			t.Errorf("%d and %d token calls; want 1 and 2", v.count("token"), v.count("apply"))
		}
	})
}

// Users are polled immediately after Open or a message, and until they or their agents disconnect.
func TestPolledUsersAreAddedAndRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &store{}
		a := deskIn(t, v, polling(nil))
		stop := subscribe(t, a, s)
		defer func() { _ = stop() }()
		wait(t, time.Minute)
		v.addMessages(testUser, chatTo(testUser, "welcome"))
		o, err := a.Open(t.Context(), opening())
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if d := cmp.Diff([]string{"welcome"}, s.textsOf(testUser)); d != "" {
			t.Fatalf("after Open (-want +got):\n%s", d)
		}
		v.addMessages(testUser, disconnectOf(testUser))
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

// The end of an earlier session does not stop the polls of a later session.
func TestEndOfAnEarlierSessionIsIgnored(t *testing.T) {
	s := newPolledUsers(time.Now)
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

// A user who disconnects and connects again during a poll is not polled concurrently. This could reorder messages.
func TestPollsOfOneUserDoNotOverlap(t *testing.T) {
	s := newPolledUsers(time.Now)
	s.open("ada", threadState{})
	_, openings, _ := s.start()
	s.close("ada")
	if s.count() != 0 {
		t.Error("a user who has left is counted")
	}
	s.resume("ada", threadState{UserName: "Ada"})
	if user, _, _ := s.start(); user != "" || s.count() != 1 {
		t.Errorf("%q is polled while a poll is running", user)
	}
	s.finish(pollResult{user: "ada", openings: openings, envelopes: []*envelope.Envelope{{Kind: envelope.KindDisconnected}}}, 0)
	s.markStored()
	if user, _, _ := s.start(); user != "ada" || s.state("ada").UserName != "Ada" {
		t.Errorf("%q is polled; want ada, with the new state", user)
	}
	s.close("ada")
	s.finish(pollResult{user: "ada"}, 0)
	if len(s.users) != 0 {
		t.Errorf("%d users remain", len(s.users))
	}
}

// Refused credentials pause the polls of all users.
func TestRefusedCredentialsPausePolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &store{}
		v.answer = func(call string, _ *http.Request, _ []byte) http.HandlerFunc {
			if call == "token" {
				return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{}`, http.StatusUnauthorized) }
			}
			return nil
		}
		a := deskIn(t, v, polling(nil))
		stop := subscribe(t, a, s, "ada", "bob", "cyd")
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

// After a new configuration, the users are polled only if the account is the same.
func TestConfigureKeepsUsersOfTheSameAccount(t *testing.T) {
	a, v := newAdapter(), newMemoryVendor()
	configureIn(t, a, v, polling(nil))
	previous := a.channels["desk"].polledUsers
	previous.open("ada", threadState{})
	for _, tt := range []struct {
		changes map[string]any
		same    bool
	}{
		{map[string]any{"poll_interval": "9s"}, true},
		{map[string]any{"base_url": "https://other.example.com"}, false},
		{map[string]any{"channel_id": otherChannel}, false},
	} {
		configureIn(t, a, v, polling(nil))
		a.channels["desk"].polledUsers = previous
		configureIn(t, a, v, polling(tt.changes))
		if same := a.channels["desk"].polledUsers == previous; same != tt.same {
			t.Errorf("%v: users kept: %v", tt.changes, same)
		}
	}
	configureIn(t, a, v, nil)
	if a.channels["desk"].polledUsers != nil {
		t.Error("a channel with pushes has users to poll")
	}
}

// The next subscription emits polled messages that could not be stored, before its first poll and also after a new
// configuration.
func TestUnstoredMessagesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &store{broken: errors.New("the store is full"), refuse: 2}
		a := deskIn(t, v, polling(nil))
		v.addMessages("ada", chatTo("ada", "one"))
		done := subscribe(t, a, s, "ada")
		synctest.Wait()
		v.addMessages("ada", chatTo("ada", "two"))
		if err := a.Subscribe(t.Context(), &sdk.Subscription{Channel: "desk"}, s.emit); !errors.Is(err, s.broken) {
			t.Fatalf("Subscribe = %v; want the store's error", err)
		}
		if n := v.polled("ada"); n != 1 {
			t.Errorf("%d polls while a message could not be stored; want 1", n)
		}
		_ = done()
		configureIn(t, a, v, polling(map[string]any{"poll_interval": "1s"}))
		stop := subscribe(t, a, s)
		synctest.Wait()
		if d := cmp.Diff([]string{"one"}, s.textsOf("ada")); d != "" {
			t.Errorf("after the store's recovery (-want +got):\n%s", d)
		}
		wait(t, 3*time.Second)
		synctest.Wait()
		if d := cmp.Diff([]string{"one", "two"}, s.textsOf("ada")); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if err := stop(); err != nil {
			t.Errorf("Subscribe = %v", err)
		}
	})
}

func TestSubscribeReturnsTheStoresError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &store{broken: errors.New("the store is full"), refuse: 1}
		a := deskIn(t, v, polling(nil))
		v.addMessages("ada", chatTo("ada", "one"))
		err := a.Subscribe(t.Context(), &sdk.Subscription{Channel: "desk", Threads: []sdk.LiveThread{{Thread: "ada"}}}, s.emit)
		if !errors.Is(err, s.broken) {
			t.Errorf("Subscribe = %v; want the store's error", err)
		}
	})
}

// A poll can be in flight when a store fails. The subscription waits for it and keeps its messages.
func TestMessagesOfRunningPollsAreKeptAfterAStoreError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &store{broken: errors.New("the store is full"), refuse: 1}
		v.answer = func(call string, r *http.Request, _ []byte) http.HandlerFunc {
			if call == "poll" && r.URL.Query().Get("receiverId") == "bob" {
				wait(t, time.Second)
			}
			return nil
		}
		a := deskIn(t, v, polling(nil))
		v.addMessages("ada", chatTo("ada", "one"))
		v.addMessages("bob", chatTo("bob", "two"))
		began := time.Now()
		err := a.Subscribe(t.Context(), &sdk.Subscription{
			Channel: "desk", Threads: []sdk.LiveThread{{Thread: "ada"}, {Thread: "bob"}},
		}, s.emit)
		if !errors.Is(err, s.broken) || time.Since(began) != time.Second {
			t.Fatalf("Subscribe = %v after %s; want the store's error once the other poll has ended", err, time.Since(began))
		}
		stop := subscribe(t, a, s)
		synctest.Wait()
		if one, two := s.textsOf("ada"), s.textsOf("bob"); len(one) != 1 || len(two) != 1 || v.polled("bob") != 1 {
			t.Errorf("stored %q and %q, bob was polled %d times", one, two, v.polled("bob"))
		}
		if err := stop(); err != nil {
			t.Errorf("Subscribe = %v", err)
		}
	})
}

// The messages of a poll that is in flight when the context ends are stored.
func TestMessagesOfRunningPollsAreStoredAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &store{}
		v.answer = func(call string, _ *http.Request, _ []byte) http.HandlerFunc {
			if call == "poll" {
				wait(t, time.Second)
			}
			return nil
		}
		a := deskIn(t, v, polling(nil))
		v.addMessages("ada", chatTo("ada", "last"))
		stop := subscribe(t, a, s, "ada")
		synctest.Wait() // the poll is running
		began := time.Now()
		if err := stop(); err != nil {
			t.Errorf("Subscribe = %v", err)
		}
		if d := cmp.Diff([]string{"last"}, s.textsOf("ada")); d != "" || time.Since(began) > pollGrace {
			t.Errorf("after %s (-want +got):\n%s", time.Since(began), d)
		}
	})
}

// If AICC does not respond, the end is delayed by at most pollGrace.
func TestHangingPollDelaysTheEndByTheGraceOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &store{}
		v.answer = func(call string, r *http.Request, _ []byte) http.HandlerFunc {
			if call == "poll" {
				return func(http.ResponseWriter, *http.Request) { <-r.Context().Done() }
			}
			return nil
		}
		a := deskIn(t, v, polling(nil))
		stop := subscribe(t, a, s, "ada")
		synctest.Wait()
		began := time.Now()
		if err := stop(); err != nil {
			t.Errorf("Subscribe = %v", err)
		}
		if took := time.Since(began); took > pollGrace {
			t.Errorf("Subscribe ended after %s; want %s at most", took, pollGrace)
		}
	})
}

// A user whose polls fail is polled less often. Other users are not affected. The channel is unhealthy only while all
// polls fail.
func TestPollsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &store{}
		v.answer = func(call string, r *http.Request, _ []byte) http.HandlerFunc {
			if call == "poll" && r.URL.Query().Get("receiverId") == "ada" {
				return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{}`, http.StatusInternalServerError) }
			}
			return nil
		}
		a := deskIn(t, v, polling(nil))
		stop := subscribe(t, a, s, "ada")
		wait(t, 10*time.Minute)
		if n := v.count("poll"); n < 12 || n > 40 { // 30 to 60 seconds apart
			t.Errorf("%d polls in ten minutes of failures", n)
		}
		if err := a.Health(t.Context(), "desk"); err == nil || !strings.Contains(err.Error(), "poll") {
			t.Errorf("Health = %v; want that polls fail", err)
		}
		a.channels["desk"].polledUsers.resume("bob", readState(nil))
		wait(t, time.Minute)
		if n := v.polled("bob"); n < 29 {
			t.Errorf("another user was polled %d times in a minute", n)
		}
		if err := a.Health(t.Context(), "desk"); err != nil {
			t.Errorf("Health = %v; want nil while other users' polls succeed", err)
		}
		_ = stop()
	})
}

// A refusal for one user does not make the channel unhealthy.
func TestRefusedPollsDoNotAffectHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &store{}
		v.answer = func(call string, _ *http.Request, _ []byte) http.HandlerFunc {
			if call == "poll" {
				return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"resultCode":"13"}`) }
			}
			return nil
		}
		a := deskIn(t, v, polling(nil))
		stop := subscribe(t, a, s, "ada")
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

// 429 pauses the polls of all users for the time that AICC asks for.
func TestThrottledPollPausesAllUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &store{}
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
		a := deskIn(t, v, polling(nil))
		stop := subscribe(t, a, s, "ada")
		synctest.Wait()
		a.channels["desk"].polledUsers.resume("bob", readState(nil))
		wait(t, 39*time.Second)
		synctest.Wait()
		if n := v.count("poll"); n != 1 {
			t.Errorf("%d polls within the time that AICC asked for; want 1", n)
		}
		wait(t, 2*time.Second)
		synctest.Wait()
		if v.polled("ada") == 0 || v.polled("bob") == 0 {
			t.Error("a user was not polled after the pause")
		}
		_ = stop()
	})
}

// Polls and deliveries share the newest token of a user. Only this token is valid.
func TestPollsAndDeliveriesShareTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &store{}
		v.newTokens = true
		a := deskIn(t, v, polling(nil))
		o, err := a.Open(t.Context(), opening())
		if err != nil {
			t.Fatal(err)
		}
		stop := subscribe(t, a, s)
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

// The access token is renewed after four fifths of its lifetime, the token of a user after 50 minutes.
func TestTokensAreRenewedDuringPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &store{}
		a := deskIn(t, v, polling(map[string]any{"token_life": "10m"}))
		stop := subscribe(t, a, s, "ada")
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
			t.Errorf("Subscribe = %v", err)
		}
	})
}

func TestConcurrentPollsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &store{}
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
			v.addMessages(users[i], chatTo(users[i], "hello"))
		}
		a := deskIn(t, v, polling(nil))
		stop := subscribe(t, a, s, users...)
		wait(t, time.Second)
		synctest.Wait()
		for _, u := range users {
			if d := cmp.Diff([]string{"hello"}, s.textsOf(u)); d != "" {
				t.Errorf("%s (-want +got):\n%s", u, d)
			}
		}
		if most != maxPolls {
			t.Errorf("%d polls at a time; want %d", most, maxPolls)
		}
		_ = stop()
	})
}

// The messages of one poll are stored in batches of maxEmit, in order.
func TestLongPollIsStoredInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, s := newMemoryVendor(), &store{broken: errors.New("once"), refuse: 0}
		var want []string
		for i := range 2*maxEmit + 1 {
			want = append(want, fmt.Sprint(i))
			v.addMessages("ada", chatTo("ada", want[i]))
		}
		stop := subscribe(t, deskIn(t, v, polling(nil)), s, "ada")
		synctest.Wait()
		if d := cmp.Diff(want, s.textsOf("ada")); d != "" || s.calls != 3 {
			t.Errorf("%d calls (-want +got):\n%s", s.calls, d)
		}
		_ = stop()
	})
}

func TestSubscriptionRequiresPolling(t *testing.T) {
	v := newMemoryVendor()
	a := newAdapter()
	if ep := configureIn(t, a, v, nil); ep.Subscribes || len(ep.Paths) != 1 {
		t.Errorf("push: Endpoint = %+v", ep)
	}
	err := a.Subscribe(t.Context(), &sdk.Subscription{Channel: "desk"}, (&store{}).emit)
	if sdk.KindOf(err) != sdk.KindUnsupported {
		t.Errorf("Subscribe = %v; want unsupported", err)
	}
	if ep := configureIn(t, a, v, polling(nil)); !ep.Subscribes || len(ep.Paths) != 0 {
		t.Errorf("poll: Endpoint = %+v", ep)
	}
	if _, err := a.Receive(t.Context(), vectorRequest()); sdk.KindOf(err) != sdk.KindUnauthorized {
		t.Errorf("a push to a channel that polls: %v; want unauthorized", err)
	}
}
