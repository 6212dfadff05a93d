package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"patchbay/sdk"
)

// memoryVendor is an AICC without a network, for tests in a synctest bubble. It stores files and returns each message
// in one poll. Only the newest token of a user is valid.
type memoryVendor struct {
	mu      sync.Mutex
	now     func() time.Time
	n       int
	access  map[string]time.Time // expiry of access tokens
	tokens  map[string]string    // by user
	files   map[string][]byte
	pending map[string][]string // messages by user
	polls   map[string]int
	calls   []string // names of the calls in order
	// answer may return a handler for a call. nil means the default response.
	answer func(call string, r *http.Request, body []byte) http.HandlerFunc
	// newTokens makes each response of poll contain a new user token.
	newTokens bool
}

func newMemoryVendor() *memoryVendor {
	return &memoryVendor{
		now: time.Now, access: map[string]time.Time{}, tokens: map[string]string{}, files: map[string][]byte{},
		pending: map[string][]string{}, polls: map[string]int{},
	}
}

// RoundTrip implements http.RoundTripper.
func (v *memoryVendor) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	var body bytes.Buffer
	if r.Body != nil {
		if _, err := body.ReadFrom(r.Body); err != nil {
			return nil, err
		}
	}
	w := httptest.NewRecorder()
	call := endpoints[r.URL.Path]
	v.mu.Lock()
	v.calls = append(v.calls, call)
	answer := v.answer
	v.mu.Unlock()
	if answer != nil {
		if h := answer(call, r, body.Bytes()); h != nil {
			h(w, r)
			if err := r.Context().Err(); err != nil {
				return nil, err
			}
			return w.Result(), nil
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.serve(w, r, call, body.Bytes())
	return w.Result(), nil
}

func (v *memoryVendor) serve(w http.ResponseWriter, r *http.Request, call string, body []byte) {
	v.n++
	if call == "token" {
		token := fmt.Sprintf("ACCESS-%d", v.n)
		life, err := time.ParseDuration(r.Header.Get("X-Token-Expire") + "s")
		if err != nil {
			http.Error(w, "{}", http.StatusBadRequest)
			return
		}
		v.access[token] = v.now().Add(life)
		fmt.Fprintf(w, `{"AccessToken":%q,"Expires":"%d"}`, token, int(life/time.Second))
		return
	}
	access := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !v.now().Before(v.access[access]) {
		http.Error(w, `{"errorCode":"403","exceptionInfo":"illegal or expired token"}`, http.StatusForbidden)
		return
	}
	if call == "apply" {
		var u userRequest
		_ = json.Unmarshal(body, &u)
		v.tokens[u.UserID] = fmt.Sprintf("USER-%d", v.n)
		fmt.Fprintf(w, `{"resultCode":"0","token":%q}`, v.tokens[u.UserID])
		return
	}
	user := v.userOf(r.Header.Get(tokenHeader))
	if user == "" {
		http.Error(w, `{"errorCode":"401"}`, http.StatusUnauthorized)
		return
	}
	v.serveUser(w, r, call, user, body)
}

func (v *memoryVendor) userOf(token string) string {
	for user, t := range v.tokens {
		if t == token {
			return user
		}
	}
	return ""
}

func (v *memoryVendor) serveUser(w http.ResponseWriter, r *http.Request, call, user string, body []byte) {
	switch call {
	case "send", "async":
		fmt.Fprint(w, `{"resultCode":"0"}`)
	case "upload":
		var u uploadRequest
		data, err := []byte(nil), json.Unmarshal(body, &u)
		if err == nil {
			data, err = base64.StdEncoding.DecodeString(u.FileStream)
		}
		if err != nil {
			fmt.Fprint(w, `{"returnCode":"3"}`)
			return
		}
		key := fmt.Sprintf("2021/%d", v.n)
		v.files[key+"."+u.FileType] = data
		fmt.Fprintf(w, `{"returnCode":"0","objectKey":%q}`, key)
	case "download":
		var d downloadRequest
		_ = json.Unmarshal(body, &d)
		data, ok := v.files[d.FileID+"."+d.FileType]
		if !ok || d.MultiMedia != "multiMedia" {
			fmt.Fprint(w, `{"resultCode":"401","resultDesc":"no object key"}`)
			return
		}
		fmt.Fprintf(w, `{"resultCode":"0","fileStream":%q}`, base64.StdEncoding.EncodeToString(data))
	case "poll":
		receiver := r.URL.Query().Get("receiverId")
		if receiver != user || r.URL.Query().Get("channel") != "WEB" {
			http.Error(w, `{}`, http.StatusBadRequest)
			return
		}
		v.polls[user]++
		if v.newTokens {
			v.tokens[user] = fmt.Sprintf("USER-%d", v.n)
			w.Header().Set(tokenHeader, v.tokens[user])
		}
		fmt.Fprintf(w, `{"resultCode":"0","downlinkMessages":[%s]}`, strings.Join(v.pending[user], ","))
		delete(v.pending, user)
	}
}

// addMessages adds messages from an agent to a user.
func (v *memoryVendor) addMessages(user string, items ...string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pending[user] = append(v.pending[user], items...)
}

func (v *memoryVendor) polled(user string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.polls[user]
}

func (v *memoryVendor) count(call string) (n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.calls {
		if c == call {
			n++
		}
	}
	return n
}

// deskIn returns an adapter with a channel that calls v.
func deskIn(t testing.TB, v *memoryVendor, changes map[string]any) *adapter {
	t.Helper()
	a := newAdapter()
	a.now = v.now
	configureIn(t, a, v, changes)
	return a
}

func configureIn(t testing.TB, a *adapter, v *memoryVendor, changes map[string]any) sdk.Endpoint {
	t.Helper()
	ch := testChannel(t, "desk", changes)
	ch.Host.HTTP = &http.Client{Transport: v}
	ep, err := a.Configure(t.Context(), ch)
	if err != nil {
		t.Fatal(err)
	}
	return ep
}
