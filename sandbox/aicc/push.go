package aicc

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
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
	key := *s.pushKey.Load()
	if wrong {
		key += "x"
	}
	header := Authorization(s.o.AppKey, key, r.Method, r.URL.EscapedPath(), s.stamp(), s.signed(r), body)
	r.Header.Set("Authorization", header)
}

// signed returns the headers that are signed.
func (s *Simulator) signed(r *http.Request) map[string]string {
	host := r.URL.Host
	if s.o.BareHost {
		host = r.URL.Hostname()
	}
	all := map[string]string{
		"host": host, "content-type": r.Header.Get("Content-Type"), "content-length": strconv.FormatInt(r.ContentLength, 10),
	}
	maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(s.o.SignHeaders, name) })
	return all
}

func (s *Simulator) stamp() string {
	now := time.Now().UTC()
	if s.o.Stamp == StampEpoch {
		return strconv.FormatInt(now.UnixMilli(), 10)
	}
	return now.Format(s.o.Stamp)
}

// accepted returns whether a push was accepted by the page's rule: status 200 and the string "0" as resultCode.
func accepted(status int, answer []byte) bool {
	var out struct {
		ResultCode string `json:"resultCode"`
	}
	return status == http.StatusOK && json.Unmarshal(answer, &out) == nil && out.ResultCode == "0"
}
