package aicc

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"patchbay/sandbox/simulator"
)

const (
	defaultAccessTTL = 600 // seconds
	maxAccessTTL     = 3600
	userTokenTTL     = time.Hour
	maxUserID        = 32 // characters, page applyToken
)

// token is a credential that AICC issued.
type token struct {
	user string // "" for an access token
	end  time.Time
}

func (t token) expired() bool { return !time.Now().Before(t.end) }

func issue(to *simulator.Table[token], prefix string, t token) string {
	text := prefix + rand.Text()
	to.Put(text, t)
	return text
}

// fabric checks x-app-key and the access token, as API Fabric does for all calls.
func (s *Simulator) fabric(next simulator.Endpoint) simulator.Endpoint {
	return func(r *simulator.Request) (any, error) {
		text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || r.Header.Get("x-app-key") != s.o.AppKey {
			return nil, refused(http.StatusUnauthorized, "x-app-key or the bearer token is missing")
		}
		if t, ok := s.accessTokens.Get(text); !ok || t.expired() {
			return nil, errToken
		}
		return next(r)
	}
}

// session checks the customer's token and passes the customer's id to next. During a session it replaces an expired
// token in the response header ccmessaging-token.
func (s *Simulator) session(next func(*simulator.Request, string) (any, error)) simulator.Endpoint {
	return func(r *simulator.Request) (any, error) {
		t, ok := s.userTokens.Get(r.Header.Get("ccmessaging-token"))
		if !ok || t.expired() && !s.inSession(t.user) {
			return nil, refused(http.StatusUnauthorized, "ccmessaging-token is not valid")
		}
		if t.expired() {
			r.Answer.Set("ccmessaging-token", issue(&s.userTokens, "ct-", token{t.user, time.Now().Add(userTokenTTL)}))
		}
		return next(r, t.user)
	}
}

func (s *Simulator) tokenByAkSk(r *simulator.Request) (any, error) {
	var in struct {
		AppKey    string `json:"app_key"`
		AppSecret string `json:"app_secret"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, refused(http.StatusBadRequest, err.Error())
	}
	if in.AppKey != s.o.AppKey || in.AppSecret != s.o.AppSecret {
		return nil, refused(http.StatusUnauthorized, "app_key or app_secret is wrong")
	}
	ttl := defaultAccessTTL
	if h := r.Header.Get("X-Token-Expire"); h != "" {
		n, err := strconv.Atoi(h)
		if err != nil || n < 1 {
			return nil, refused(http.StatusBadRequest, "X-Token-Expire is not a number of seconds")
		}
		ttl = min(n, maxAccessTTL)
	}
	now := time.Now()
	return map[string]string{
		"AccessToken": issue(&s.accessTokens, "at-", token{end: now.Add(time.Duration(ttl) * time.Second)}),
		"ApplyType":   "Bearer", "CreateTime": strconv.FormatInt(now.Unix(), 10), "Expires": strconv.Itoa(ttl),
		"Scope": "", "AppKey": in.AppKey, "UserID": "Anonymous",
	}, nil
}

func (s *Simulator) applyToken(r *simulator.Request) (any, error) {
	var in struct {
		UserID    string `json:"userId"`
		UserName  string `json:"userName"`
		ChannelID string `json:"channelId"`
		Locale    string `json:"locale"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, refused(http.StatusBadRequest, err.Error())
	}
	if n := utf8.RuneCountInString(in.UserID); n == 0 || n > maxUserID || in.UserName == "" || in.Locale == "" {
		return nil, refused(http.StatusBadRequest, "userId must have 1 to 32 characters, userName and locale are required")
	}
	if in.ChannelID != s.o.ChannelID {
		return nil, failed("1", "no such channel", "")
	}
	s.mu.Lock()
	s.chatOf(in.UserID).Name = in.UserName
	s.mu.Unlock()
	text := issue(&s.userTokens, "ct-", token{in.UserID, time.Now().Add(userTokenTTL)})
	if s.o.QuoteTokens {
		text = strconv.Quote(text)
	}
	return map[string]string{"resultCode": "0", "token": text}, nil
}
