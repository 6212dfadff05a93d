package aicc

import (
	"crypto/rand"
	"errors"
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

// grant is the meaning of a token or of a temporary link.
type grant struct {
	subject string // the user of a customer's token, the file of a link, "" for an access token
	expiry  time.Time
}

func (g grant) expired() bool { return !time.Now().Before(g.expiry) }

// issue adds a grant and returns its token or link, which begins with prefix.
func issue(grants *simulator.Table[grant], prefix, to string, ttl time.Duration) string {
	text := prefix + rand.Text()
	grants.Put(text, grant{to, time.Now().Add(ttl)})
	return text
}

// requireAccessToken checks x-app-key and the access token, as API Fabric does.
func (s *Simulator) requireAccessToken(next simulator.Endpoint) simulator.Endpoint {
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

// requireUserToken checks the customer's token and sets Request.User. It accepts an expired token during a session and
// while the customer may leave messages; the response header ccmessaging-token then contains a new token.
func (s *Simulator) requireUserToken(next simulator.Endpoint) simulator.Endpoint {
	return func(r *simulator.Request) (any, error) {
		t, ok := s.userTokens.Get(r.Header.Get("ccmessaging-token"))
		c, _ := s.Chat(t.subject)
		if !ok || t.expired() && !c.State.live() && c.State != StateOffline {
			return nil, refused(http.StatusUnauthorized, "ccmessaging-token is not valid")
		}
		if t.expired() {
			r.ResponseHeader.Set("ccmessaging-token", issue(&s.userTokens, "ct-", t.subject, userTokenTTL))
		}
		r.User = t.subject
		return next(r)
	}
}

type tokenCall struct {
	AppKey    string `json:"app_key"`
	AppSecret string `json:"app_secret"`
}

func (s *Simulator) tokenByAkSk(r *simulator.Request, in *tokenCall) (any, error) {
	if in.AppKey != s.o.AppKey || in.AppSecret != s.o.AppSecret {
		return nil, refused(http.StatusUnauthorized, "app_key or app_secret is wrong")
	}
	ttl := defaultAccessTTL
	if h := r.Header.Get("X-Token-Expire"); h != "" {
		n, err := strconv.Atoi(h)
		if err != nil || n < 1 {
			return nil, errors.New("X-Token-Expire is not a number of seconds")
		}
		ttl = min(n, maxAccessTTL)
	}
	return map[string]string{
		"AccessToken": issue(&s.accessTokens, "at-", "", time.Duration(ttl)*time.Second),
		"ApplyType":   "Bearer", "CreateTime": strconv.FormatInt(time.Now().Unix(), 10), "Expires": strconv.Itoa(ttl),
		"Scope": "", "AppKey": in.AppKey, "UserID": "Anonymous",
	}, nil
}

type applyCall struct {
	UserID    string `json:"userId"`
	UserName  string `json:"userName"`
	ChannelID string `json:"channelId"`
	Locale    string `json:"locale"`
}

func (s *Simulator) applyToken(_ *simulator.Request, in *applyCall) (any, error) {
	if n := utf8.RuneCountInString(in.UserID); n == 0 || n > maxUserID || in.UserName == "" || in.Locale == "" {
		return nil, errors.New("userId must have 1 to 32 characters, userName and locale are required")
	}
	if in.ChannelID != s.o.ChannelID {
		return nil, failed("1", "no such channel", "")
	}
	s.mu.Lock()
	s.chatOf(in.UserID).Name = in.UserName
	s.mu.Unlock()
	text := issue(&s.userTokens, "ct-", in.UserID, userTokenTTL)
	if s.o.QuoteTokens {
		text = strconv.Quote(text)
	}
	return map[string]string{"resultCode": "0", "token": text}, nil
}
