package aicc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"patchbay/sandbox/simulator"
)

// DownLinkMsg is one message or event of a push, as the push page lists it. Members that the page's examples show as
// null are pointers.
type DownLinkMsg struct {
	Channel         string          `json:"channel"`
	From            string          `json:"from"`
	To              string          `json:"to"`
	ControlType     string          `json:"controlType"`
	SourceType      string          `json:"sourceType"`
	MediaType       *string         `json:"mediaType"`
	Content         *string         `json:"content"`
	SimQuestions    *string         `json:"simQuestions"`
	SenderNickname  *string         `json:"senderNickname"`
	MessageCode     *string         `json:"messageCode"`
	Timestamp       int64           `json:"timestamp"` // milliseconds
	IsOfflineStatus *bool           `json:"isOfflineStatus,omitempty"`
	CallID          json.RawMessage `json:"callId,omitempty"` // in one of the page's examples, always null
}

func (s *Simulator) message(user, source, control string) DownLinkMsg {
	return DownLinkMsg{
		Channel: "WEB", From: s.o.ChannelID, To: user, ControlType: control, SourceType: source,
		Timestamp: time.Now().UnixMilli(),
	}
}

// Message returns a message to user with the usual members, for Push.
func (s *Simulator) Message(user, source, control, mediaType, content string) DownLinkMsg {
	m := s.message(user, source, control)
	m.MediaType, m.Content = &mediaType, &content
	return m
}

// Push queues one push with all these messages, after the earlier pushes for the first message's user.
func (s *Simulator) Push(messages ...DownLinkMsg) error {
	user := messages[0].To
	s.post(messages)
	if s.o.PushOff {
		return nil
	}
	body, err := json.Marshal(map[string]any{"timestamp": time.Now().UnixMilli(), "messages": messages})
	if err != nil {
		return fmt.Errorf("encode push for %s: %w", user, err)
	}
	return s.Queue(user, simulator.Call{
		Endpoint: EndpointPush, URL: s.Gateway() + "/webhooks/v1/messages", Body: body,
		Prove: s.prove, Accepted: accepted,
	})
}

// prove signs an attempt at a push.
func (s *Simulator) prove(r *http.Request, body []byte, wrong bool) {
	key, host, now := *s.pushKey.Load(), r.URL.Host, time.Now().UTC()
	if wrong {
		key += "x"
	}
	if s.o.BareHost {
		host = r.URL.Hostname()
	}
	stamp := now.Format(s.o.Stamp)
	if s.o.Stamp == StampEpoch {
		stamp = strconv.FormatInt(now.UnixMilli(), 10)
	}
	headers := map[string]string{
		"host": host, "content-type": r.Header.Get("Content-Type"), "content-length": strconv.FormatInt(r.ContentLength, 10),
	}
	maps.DeleteFunc(headers, func(name, _ string) bool { return !slices.Contains(s.o.SignHeaders, name) })
	signature := Authorization(s.o.AppKey, key, r.Method, r.URL.EscapedPath(), stamp, headers, body)
	r.Header.Set("Authorization", signature)
}

// accepted returns whether a push was accepted by the page's rule: status 200 and the string "0" as resultCode.
func accepted(status int, answer []byte) bool {
	var out struct {
		ResultCode string `json:"resultCode"`
	}
	return status == http.StatusOK && json.Unmarshal(answer, &out) == nil && out.ResultCode == "0"
}

// Authorization returns the Authorization header of a push. It uses the vendor's auth-v2 signature, as in the AK/SK
// signing demo of its contact-centre APIs. This is an assumption: the page on pushes shows the header without its last
// segment. The keys of headers must be lower-case. If the address has a query, path must have a second line with its
// encoded and sorted pairs.
func Authorization(accessKey, secretKey, method, path, stamp string, headers map[string]string, body []byte) string {
	names := slices.Sorted(maps.Keys(headers))
	signed := strings.Join(names, ";")
	prefix := strings.Join([]string{"auth-v2", accessKey, stamp, signed}, "/")
	pairs := make([]string, 0, len(names))
	for _, name := range names {
		pairs = append(pairs, percent(name)+":"+percent(strings.TrimSpace(headers[name])))
	}
	slices.Sort(pairs)
	canonical := method + "\n" + path + "\n" + signed + "\n" + strings.Join(pairs, "\n") + "\n" + percent(string(body))
	// The derived key is the hexadecimal text, not the bytes.
	return prefix + "/" + mac(mac(secretKey, prefix), canonical)
}

func mac(key, message string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(message))
	return hex.EncodeToString(h.Sum(nil))
}

// percent encodes every byte except letters, digits and "-._~". It encodes slashes.
func percent(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
