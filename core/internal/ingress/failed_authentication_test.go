package ingress

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

// requireToken returns a receive function that accepts only calls with the header "Authorization: Bearer right".
func requireToken(t *testing.T) receiveFunc {
	accept := receives(t, "faq", "m1")
	return func(ctx context.Context, c *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
		for _, h := range c.GetHeader() {
			if h.GetName() == "Authorization" && h.GetValue() == "Bearer right" {
				return accept(ctx, c)
			}
		}
		return &pluginpb.ReceiveResult{Error: &pluginpb.Error{Kind: "unauthorized"}}, nil
	}
}

func guessRequest(from, path, token string) *http.Request {
	r := request("POST", path, "{}")
	r.RemoteAddr = from
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func TestGuessesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{receive: requireToken(t)}
		other := f.endpoint()
		other.Pattern, other.Channels = "/other", []string{"faq2"}
		h := f.handler(t, f.endpoint(), other)
		try := func(name string, r *http.Request, want int) {
			t.Helper()
			if w := serve(h, r); w.Code != want {
				t.Errorf("%s: status %d %s, want %d", name, w.Code, w.Body, want)
			}
		}
		for i := range failureBurst {
			try("guess", guessRequest(attacker, "/x/hooks/7", fmt.Sprint(i)), 401)
		}
		calls := len(f.calls)
		w := serve(h, guessRequest(attacker, "/x/hooks/7", "another"))
		var body struct{ Code int }
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != 429 || body.Code != 429 ||
			w.Header().Get("Retry-After") != "1" {
			t.Errorf("response %d %s, want 429 in the vendor's format", w.Code, w.Body)
		}
		try("the right one as a guess", guessRequest(attacker, "/x/hooks/8", "right"), 429)
		if len(f.calls) != calls {
			t.Errorf("the adapter was called %d times", len(f.calls)-calls)
		}
		try("another network, valid credentials", guessRequest(vendorIP, "/x/hooks/7", "right"), 202)
		try("another network", guessRequest(vendorIP, "/x/hooks/7", "wrong"), 401)
		try("another path", guessRequest(attacker, "/x/other", "wrong"), 401)
		time.Sleep(time.Second)
		try("after a second", guessRequest(attacker, "/x/hooks/7", "wrong"), 401)
		try("one later", guessRequest(attacker, "/x/hooks/7", "wrong"), 429)
	})
}

// A vendor makes calls with a right and with a wrong credential. The calls with the right one must not be refused.
func TestNetworkWithValidCredentialsHasAHigherLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{receive: requireToken(t)}
		h := f.handler(t)
		for i := range 10 * failureBurst {
			for _, call := range []struct {
				token string
				want  int
			}{{"right", 202}, {"wrong", 401}, {"right", 202}} {
				if w := serve(h, guessRequest(vendorIP, fmt.Sprint("/x/hooks/", i), call.token)); w.Code != call.want {
					t.Fatalf("call %d, %s: status %d, want %d", i, call.token, w.Code, call.want)
				}
			}
			time.Sleep(time.Second / knownFailuresPerSec)
		}
		statuses := map[int]int{}
		for range 2 * failureBurst { // this is too fast
			statuses[serve(h, guessRequest(vendorIP, "/x/hooks/7", "wrong")).Code]++
		}
		if statuses[401] > failureBurst+1 || statuses[429] == 0 {
			t.Errorf("statuses %v", statuses)
		}
		if w := serve(h, guessRequest(vendorIP, "/x/hooks/7", "right")); w.Code != 202 {
			t.Errorf("credentials that were accepted before: status %d, want 202", w.Code)
		}
	})
}

func TestConcurrentGuessesCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, answer := make(chan struct{}), requireToken(t)
		f := &fake{receive: func(ctx context.Context, c *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) {
			<-release
			return answer(ctx, c)
		}}
		h := f.handler(t)
		for range 2 * failureBurst {
			go serve(h, guessRequest(attacker, "/x/hooks/7", "wrong"))
		}
		synctest.Wait()
		close(release)
		synctest.Wait()
		w := serve(h, guessRequest(attacker, "/x/hooks/7", "wrong"))
		if after := w.Header().Get("Retry-After"); w.Code != 429 || after != fmt.Sprint(failureBurst+1) {
			t.Errorf("status %d, Retry-After %s; want 429 until the concurrent guesses are made up for", w.Code, after)
		}
	})
}

func TestCredentialsThatAreRefusedAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{receive: requireToken(t)}
		h := f.handler(t)
		serve(h, guessRequest(attacker, "/x/hooks/7", "right"))
		f.receive = refuses(&pluginpb.Error{Kind: "unauthorized"}) // the token was changed
		statuses := map[int]int{}
		for range 2 * failureBurst {
			statuses[serve(h, guessRequest(attacker, "/x/hooks/7", "right")).Code]++
		}
		if statuses[401] != failureBurst || statuses[429] != failureBurst {
			t.Errorf("statuses %v", statuses)
		}
	})
}

func TestGuessLimitHasBoundedMemory(t *testing.T) {
	f := &fake{receive: requireToken(t)}
	h := f.handler(t)
	for i := range maxRemembered + 10 {
		from := fmt.Sprintf("[2001:db8:%x::1]:9", i)
		serve(h, guessRequest(from, "/x/hooks/7", "wrong"))
		serve(h, guessRequest(from, "/x/hooks/"+strings.Repeat("a", i%100)+fmt.Sprint(i), "right"))
	}
	if a, b := h.guesses.failures.Len(), h.guesses.good.Len(); a > maxRemembered || b > maxRemembered {
		t.Errorf("%d limits, %d credentials", a, b)
	}
}
