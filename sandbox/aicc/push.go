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

// DownLinkMsg is one message or event of a push, with the members that the vendor's page lists. Members that the page's
// examples show as null are pointers.
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

// Message returns a message to user for Push.
func (s *Simulator) Message(user, source, control, mediaType, content string) DownLinkMsg {
	m := s.message(user, source, control)
	m.MediaType, m.Content = &mediaType, &content
	return m
}

// Push adds messages to the mailboxes and queues one push with all of them, after the earlier pushes for the first
// message's user. With Options.PushOff it queues no push.
func (s *Simulator) Push(messages ...DownLinkMsg) error {
	user := messages[0].To
	s.addToMailboxes(messages)
	if s.o.PushOff {
		return nil
	}
	body, err := json.Marshal(map[string]any{"timestamp": time.Now().UnixMilli(), "messages": messages})
	if err != nil {
		return fmt.Errorf("encode push for %s: %w", user, err)
	}
	return s.Queue(user, simulator.Call{
		Endpoint: EndpointPush, URL: s.Gateway() + "/webhooks/v1/messages", Body: body,
		Authenticate: s.sign, IsAccepted: accepted,
	})
}

// sign adds the signature to one attempt of a push.
func (s *Simulator) sign(r *http.Request, body []byte, wrong bool) {
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

// accepted returns whether a push was accepted: by status 200 and the string "0" as resultCode, as the page requires.
func accepted(status int, response []byte) bool {
	var out struct {
		ResultCode string `json:"resultCode"`
	}
	return status == http.StatusOK && json.Unmarshal(response, &out) == nil && out.ResultCode == "0"
}

// Authorization returns the Authorization header of a push. It uses the vendor's auth-v2 signature, as in the AK/SK
// signing demo of its contact-centre APIs. This is an assumption: the page on pushes shows the header without its last
// segment. The keys of headers must be lower-case. If the URL has a query, path must have a second line with the
// encoded and sorted pairs of the query.
func Authorization(accessKey, secretKey, method, path, stamp string, headers map[string]string, body []byte) string {
	names := slices.Sorted(maps.Keys(headers))
	signed := strings.Join(names, ";")
	prefix := strings.Join([]string{"auth-v2", accessKey, stamp, signed}, "/")
	pairs := make([]string, 0, len(names))
	for _, name := range names {
		pairs = append(pairs, percentEncode(name)+":"+percentEncode(strings.TrimSpace(headers[name])))
	}
	slices.Sort(pairs)
	canonical := strings.Join([]string{method, path, signed, strings.Join(pairs, "\n"), percentEncode(string(body))}, "\n")
	// The derived key is the hexadecimal text of the first HMAC, not its bytes.
	return prefix + "/" + hmacHex(hmacHex(secretKey, prefix), canonical)
}

func hmacHex(key, message string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(message))
	return hex.EncodeToString(h.Sum(nil))
}

// percentEncode encodes every byte except letters, digits and "-._~". It encodes slashes.
func percentEncode(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
