package aicc

import (
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"patchbay/sandbox/fault"
)

const (
	defaultAccessTTL = 600 // seconds
	maxAccessTTL     = 3600
	maxUserID        = 32 // characters, page applyToken
	maxBody          = 32 << 20
)

// Handler returns the API; its paths start with /apigovernance, /apiaccess and, for temporary links, /files.
func (s *Simulator) Handler() http.Handler {
	const fabric = "/apiaccess/ccmessaging/"
	mux := http.NewServeMux()
	mux.Handle("POST /apigovernance/api/oauth/tokenByAkSk",
		s.Faults.Wrap(EndpointAccessToken, http.HandlerFunc(s.tokenByAkSk)))
	mux.Handle("POST "+fabric+"applyToken", s.endpoint(EndpointApplyToken, s.applyToken))
	mux.Handle("POST "+fabric+"send", s.session(EndpointSend, s.send(false)))
	mux.Handle("POST "+fabric+"sendAsync", s.session(EndpointSendAsync, s.send(true)))
	mux.Handle("GET "+fabric+"poll", s.session(EndpointPoll, s.poll))
	mux.Handle("POST "+fabric+"uploadFileStream", s.session(EndpointUpload, s.upload))
	mux.Handle("POST "+fabric+"downloadFileStream", s.session(EndpointDownload, s.download))
	mux.Handle("GET /files/{link}", s.Faults.Wrap(EndpointFile, http.HandlerFunc(s.file)))
	return mux
}

// endpoint adds what all calls through API Fabric share: faults, x-app-key, and the access token.
func (s *Simulator) endpoint(name string, next func(http.ResponseWriter, *http.Request)) http.Handler {
	return s.Faults.Wrap(name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !same(r.Header.Get("x-app-key"), s.o.AppKey) {
			s.refuse(w, http.StatusUnauthorized, "x-app-key is not a known application")
			return
		}
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			s.refuse(w, http.StatusUnauthorized, "Authorization has no bearer token")
			return
		}
		_, expired := s.Faults.Take(name, fault.ExpiredToken)
		if expired || s.tokens.checkAccess(token, s.o.Now()) != tokenGood {
			s.refuse(w, http.StatusForbidden, "illegal or expired token")
			return
		}
		next(w, r)
	}))
}

// session adds the customer's token to what endpoint demands, and passes on whose it is. Within a session an expired
// token is replaced by the answer's header ccmessaging-token.
func (s *Simulator) session(name string, next func(http.ResponseWriter, *http.Request, string)) http.Handler {
	return s.endpoint(name, func(w http.ResponseWriter, r *http.Request) {
		user, v := s.tokens.checkUser(r.Header.Get("ccmessaging-token"), s.o.Now())
		if v == tokenUnknown || v == tokenExpired && !s.inSession(user) {
			s.refuse(w, http.StatusUnauthorized, "ccmessaging-token is not valid")
			return
		}
		if v == tokenExpired {
			w.Header().Set("ccmessaging-token", s.tokens.newUser(user, s.o.Now().Add(s.o.UserTokenTTL)))
		}
		next(w, r, user)
	})
}

func (s *Simulator) tokenByAkSk(w http.ResponseWriter, r *http.Request) {
	var in struct {
		AppKey    string `json:"app_key"`
		AppSecret string `json:"app_secret"`
	}
	if !s.read(w, r, &in) {
		return
	}
	if !same(in.AppKey, s.o.AppKey) || !same(in.AppSecret, s.o.AppSecret) {
		s.refuse(w, http.StatusUnauthorized, "app_key or app_secret is wrong")
		return
	}
	ttl := defaultAccessTTL
	if h := r.Header.Get("X-Token-Expire"); h != "" {
		n, err := strconv.Atoi(h)
		if err != nil || n < 1 {
			s.refuse(w, http.StatusBadRequest, "X-Token-Expire is not a number of seconds")
			return
		}
		ttl = min(n, maxAccessTTL)
	}
	now := s.o.Now()
	writeJSON(w, http.StatusOK, map[string]string{
		"AccessToken": s.tokens.newAccess(now.Add(time.Duration(ttl) * time.Second)),
		"ApplyType":   "Bearer",
		"CreateTime":  strconv.FormatInt(now.Unix(), 10),
		"Expires":     strconv.Itoa(ttl),
		"Scope":       "",
		"AppKey":      in.AppKey,
		"UserID":      "Anonymous",
	})
}

func (s *Simulator) applyToken(w http.ResponseWriter, r *http.Request) {
	var in struct {
		UserID    string `json:"userId"`
		UserName  string `json:"userName"`
		ChannelID string `json:"channelId"`
		Locale    string `json:"locale"`
	}
	if !s.read(w, r, &in) {
		return
	}
	if n := utf8.RuneCountInString(in.UserID); n == 0 || n > maxUserID {
		s.refuse(w, http.StatusBadRequest, "userId must have 1 to 32 characters")
		return
	}
	if in.UserName == "" || in.Locale == "" {
		s.refuse(w, http.StatusBadRequest, "userName and locale are required")
		return
	}
	if in.ChannelID != s.o.ChannelID {
		s.result(w, result{code: "1", text: "no such channel"})
		return
	}
	s.mu.Lock()
	if c := s.desk[in.UserID]; c != nil {
		c.Name = in.UserName
	} else {
		s.desk[in.UserID] = &Chat{User: in.UserID, Name: in.UserName, State: StateNone}
		s.order = append(s.order, in.UserID)
	}
	s.mu.Unlock()
	token := s.tokens.newUser(in.UserID, s.o.Now().Add(s.o.UserTokenTTL))
	if s.o.QuoteTokens {
		token = strconv.Quote(token)
	}
	writeJSON(w, http.StatusOK, map[string]string{"resultCode": "0", "token": token})
}

// read decodes the body, or answers 400 and returns false.
func (s *Simulator) read(w http.ResponseWriter, r *http.Request, into any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		s.refuse(w, http.StatusBadRequest, "body: "+err.Error())
		return false
	}
	return true
}

// refuse answers in API Fabric's shape.
func (s *Simulator) refuse(w http.ResponseWriter, status int, text string) {
	s.refused.Add(1)
	s.Problems.Append(text)
	writeJSON(w, status, map[string]string{"errorCode": strconv.Itoa(status), "exceptionInfo": text})
}

// result answers 200 with a result code.
func (s *Simulator) result(w http.ResponseWriter, r result) {
	s.note(r.code, r.text+" ("+r.problem+")")
	writeJSON(w, http.StatusOK, map[string]string{"resultCode": r.code, "resultDesc": r.text})
}

// note counts a result other than success, and keeps what was wrong.
func (s *Simulator) note(code, problem string) {
	if code == "0" {
		return
	}
	s.refused.Add(1)
	s.Problems.Append("result code " + code + ": " + problem)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// An error here means that the caller left; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(v)
}
