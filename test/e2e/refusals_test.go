package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// vendorCall is a webhook call of a vendor. An empty method means POST, an empty contentType means JSON.
type vendorCall struct {
	method, path, contentType, body string
	header                          map[string]string
}

// refusal is the response to a webhook call: a status, and unless it is 200, a body in the vendor's format.
type refusal struct {
	status     int // HTTP status
	code       int // status in the body
	field      string
	text       string
	retryAfter string
	allow      string
}

// vendor contains the calls of a vendor and the format of its refusals.
type vendor struct {
	name  string
	valid func(s *system) vendorCall
	read  func(t *testing.T, body []byte) (code int, field, text string)
}

var vendors = []vendor{
	{"native", nativeCall, func(t *testing.T, body []byte) (int, string, string) {
		var refusal struct {
			Error struct {
				Status         int
				Field, Message string
			}
		}
		decodeStrict(t, body, &refusal)
		return refusal.Error.Status, refusal.Error.Field, refusal.Error.Message
	}},
	{"botwebhook", botCallback, func(t *testing.T, body []byte) (int, string, string) {
		var refusal struct {
			Code int
			Msg  string
		}
		decodeStrict(t, body, &refusal)
		field, text := splitField(refusal.Msg)
		return refusal.Code, field, text
	}},
	{"aicc", deskPush, func(t *testing.T, body []byte) (int, string, string) {
		var refusal struct {
			ResultCode int `json:"resultCode,string"`
			ResultDesc string
		}
		decodeStrict(t, body, &refusal)
		field, text := splitField(refusal.ResultDesc)
		return refusal.ResultCode, field, text
	}},
}

// splitField splits "field: problem".
func splitField(text string) (field, rest string) {
	if field, rest, ok := strings.Cut(text, ": "); ok && !strings.Contains(field, " ") {
		return field, rest
	}
	return "", text
}

func decodeStrict(t *testing.T, body []byte, into any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Errorf("body %q does not have the vendor's format: %v", body, err)
	}
}

func nativeCall(s *system) vendorCall {
	return vendorCall{path: native.MessagesPath, body: `{"userId":"eve","accessToken":"` + s.Secrets.AccessToken +
		`","payload":{"userSay":"hi","userInfo":{"id":"eve"}}}`}
}

func botCallback(s *system) vendorCall {
	return vendorCall{
		path: "/webhooks/botwebhook/faq", header: map[string]string{"Authorization": "Bearer " + s.Secrets.WebhookToken},
		body: `{"message_id":"m-1","message_type":"ANSWER","text":"hi","create_time":1780000000,"conversation_id":"c-1"}`,
	}
}

func deskPush(s *system) vendorCall {
	return vendorCall{
		path: "/webhooks/v1/messages", header: map[string]string{"Authorization": "Bearer " + s.Secrets.PushKey},
		body: `{"timestamp":1780000000000,"messages":[` + pushMessage("stranger", "hi") + `]}`,
	}
}

func pushMessage(user, text string) string {
	return `{"channel":"WEB","from":"` + harness.DeskChannel + `","to":"` + user + `",` +
		`"controlType":"CHAT","sourceType":"AGENT","mediaType":"TEXT","content":"` + text + `",` +
		`"messageCode":"` + user + "-" + text + `","timestamp":1780000000000}`
}

// request makes a call and parses the response. A status other than 200 must have a body in the vendor's format.
func (s *system) request(t *testing.T, v vendor, c vendorCall) refusal {
	t.Helper()
	method, contentType := c.method, c.contentType
	if method == "" {
		method = http.MethodPost
	}
	if contentType == "" {
		contentType = "application/json"
	}
	r, err := http.NewRequestWithContext(harness.TestContext(t), method, s.Public+c.path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, c.path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	result := refusal{status: resp.StatusCode, retryAfter: resp.Header.Get("Retry-After"), allow: resp.Header.Get("Allow")}
	if resp.StatusCode == http.StatusOK {
		return result
	}
	if got := resp.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type of the refusal: %q, want application/json", got)
	}
	result.code, result.field, result.text = v.read(t, body)
	if result.code != result.status || result.text == "" {
		t.Errorf("the body %q does not contain status %d and a text", body, result.status)
	}
	return result
}

// invalidCall is a change that makes a valid call invalid, and the expected refusal. The field "*" matches any field.
type invalidCall struct {
	name   string
	change func(c *vendorCall)
	status int
	field  string
}

func replaceBody(from, to string) func(*vendorCall) {
	return func(c *vendorCall) { c.body = strings.Replace(c.body, from, to, 1) }
}

// commonInvalidCalls lists the invalid calls of all vendors.
var commonInvalidCalls = []invalidCall{
	{"method", func(c *vendorCall) { c.method = http.MethodGet }, 405, ""},
	{"media type", func(c *vendorCall) { c.contentType = "text/plain" }, 415, ""},
	{"no media type", func(c *vendorCall) { c.contentType = ";" }, 415, ""},
	{"compressed", func(c *vendorCall) { c.header = withHeader(c.header, "Content-Encoding", "gzip") }, 415, ""},
	{"too large", func(c *vendorCall) { c.body += strings.Repeat(" ", 1<<20) }, 413, ""},
	{"unknown path", func(c *vendorCall) { c.path += "/more" }, 404, ""},
	{"truncated", func(c *vendorCall) { c.body = c.body[:len(c.body)-1] }, 400, "*"},
	{"not an object", func(c *vendorCall) { c.body = `[` + c.body + `]` }, 400, "*"},
	{"empty", func(c *vendorCall) { c.body = "" }, 400, "*"},
}

// vendorInvalidCalls lists the invalid calls of one vendor. The tests of the adapters contain more of them.
var vendorInvalidCalls = map[string][]invalidCall{
	"native": {
		{"wrong token", replaceBody(`"accessToken":"`, `"accessToken":"x`), 401, "accessToken"},
		{"another chatbot", func(c *vendorCall) { c.path = strings.Replace(c.path, native.Chatbot, "other", 1) }, 404, ""},
		{"user is a number", replaceBody(`"userId":"eve"`, `"userId":7`), 400, "userId"},
		{"no text", replaceBody(`"userSay":"hi"`, `"userSay":""`), 400, "payload.userSay"},
	},
	"botwebhook": {
		{"wrong token", func(c *vendorCall) { c.header = withHeader(c.header, "Authorization", "Bearer no") }, 401, ""},
		{"another channel", func(c *vendorCall) { c.path = strings.Replace(c.path, "faq", "desk", 1) }, 404, ""},
		{"no id", replaceBody(`"message_id"`, `"id"`), 400, "message_id"},
	},
	"aicc": {
		{"wrong token", func(c *vendorCall) { c.header = withHeader(c.header, "Authorization", "Bearer no") }, 401, ""},
		{"another path", func(c *vendorCall) { c.path = strings.Replace(c.path, "messages", "events", 1) }, 404, ""},
		{"no messages", replaceBody(`"messages"`, `"items"`), 400, "messages"},
		{"too many", func(c *vendorCall) { c.body = `{"messages":[` + strings.Repeat("0,", 1000) + `0]}` }, 413, "messages"},
	},
}

func withHeader(h map[string]string, name, value string) map[string]string {
	out := map[string]string{name: value}
	for n, v := range h {
		if n != name {
			out[n] = v
		}
	}
	return out
}

// A refusal names the wrong field. The gateway stores no part of the call.
func TestInvalidCallsAreRefusedInTheVendorsForm(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{Verify: harness.Bearer})
	calls := 0
	for _, v := range vendors {
		for _, b := range slices.Concat(commonInvalidCalls, vendorInvalidCalls[v.name]) {
			t.Run(v.name+"/"+b.name, func(t *testing.T) {
				c := v.valid(s)
				before := fmt.Sprint(c)
				if b.change(&c); fmt.Sprint(c) == before {
					t.Fatal("the call is unchanged")
				}
				result := s.request(t, v, c)
				if result.status != b.status || b.field != "*" && result.field != b.field {
					t.Errorf("refusal %+v, want status %d for field %q", result, b.status, b.field)
				}
				if result.status == http.StatusMethodNotAllowed && result.allow != http.MethodPost {
					t.Errorf("Allow: %q, want POST", result.allow)
				}
				if b.status != http.StatusServiceUnavailable && result.retryAfter != "" {
					t.Errorf("Retry-After: %q for an invalid call", result.retryAfter)
				}
			})
			calls++
		}
	}
	m := s.Scrape(t)
	for _, name := range []string{
		"patchbay_envelopes_received_total", "patchbay_conversations", "patchbay_duplicates_total",
	} {
		if n := harness.Sum(m[name]); n != 0 {
			t.Errorf("%s is %v, want 0: the calls are invalid", name, n)
		}
	}
	if n := harness.Sum(m["patchbay_http_requests_refused_total"]); n != float64(calls) {
		t.Errorf("patchbay_http_requests_refused_total is %v, want %d", n, calls)
	}
	for _, v := range vendors {
		if result := s.request(t, v, v.valid(s)); result.status != http.StatusOK {
			t.Errorf("valid call of %s: status %d, want 200", v.name, result.status)
		}
	}
}

func TestPushWithAWrongSignatureIsRefused(t *testing.T) {
	t.Parallel()
	once := simulator.Retry{Attempts: 1}
	s := newSystem(t, harness.Vendors{Retry: &once}, harness.Config{})
	s.connectAgent(t, "ann")
	s.Desk.Faults.Add(simulator.Fault{Kind: simulator.BadSignature, Endpoint: aicc.EndpointPush, Count: 1})
	s.agentSays(t, "ann", "forged")
	s.agentSays(t, "ann", "genuine")
	s.expect(t, "ann", "agent", "genuine")
	if got := s.textsFrom("ann", "agent"); len(got) != 2 || got[1] != "genuine" {
		t.Errorf("the customer got %q", got)
	}
	for _, o := range s.Desk.Outcomes.All() {
		if forged := strings.Contains(string(o.Call.Body), "forged"); forged && o.Status != http.StatusUnauthorized {
			t.Errorf("forged push: status %d, want 401", o.Status)
		}
	}
}

// The limits do not affect customers with a conversation and other channels.
func TestLimitsRefuseWithRetryAfter(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{
		Verify: harness.Bearer, Limits: []string{"limits: {opened_per_minute: 12}"},
	})
	s.say(t, "u1", "hello")
	s.say(t, "u2", "hello") // the burst is a sixth of the limit
	native, bot, desk := vendors[0], vendors[1], vendors[2]
	third := s.request(t, native, nativeCall(s))
	if third.status != http.StatusTooManyRequests || third.retryAfter == "" {
		t.Errorf("a third new customer: %+v, want 429 with Retry-After", third)
	}
	s.say(t, "u1", "I am known")
	s.expect(t, "u1", "bot", "You said: I am known")
	s.expect(t, "u2", "bot", greeting)

	// The number of messages on pending threads is limited for each channel.
	full := deskPush(s)
	push := func(i, threads int) refusal {
		var messages []string
		for j := range threads {
			messages = append(messages, pushMessage(fmt.Sprintf("unknown-%d-%d", i, j), "hi"))
		}
		full.body = `{"messages":[` + strings.Join(messages, ",") + `]}`
		return s.request(t, desk, full)
	}
	if result := push(0, 1000); result.status != http.StatusOK {
		t.Fatalf("a push on 1000 unknown threads: %+v, want 200", result)
	}
	if result := push(1, 1000); result.status != http.StatusTooManyRequests || result.retryAfter == "" {
		t.Fatalf("another push on 1000 unknown threads: %+v, want 429 with Retry-After", result)
	}
	if result := s.request(t, bot, botCallback(s)); result.status != http.StatusOK {
		t.Errorf("an answer in an unknown conversation on another channel: %+v, want 200", result)
	}
	s.say(t, "u1", "Still here")
	s.expect(t, "u1", "bot", "You said: Still here")
	harness.Eventually(t, harness.Timeout, "unknown threads are accepted again", func() string {
		if result := push(2, 1); result.status != http.StatusOK {
			return fmt.Sprintf("status %d", result.status)
		}
		return ""
	})
}

func TestQuarantinedAdapterRefusesInTheVendorsForm(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{Verify: harness.Bearer})
	for _, v := range vendors {
		harness.Eventually(t, harness.Timeout, v.name+" is quarantined", func() string {
			_, body := s.Ready()
			if strings.Contains(body, "adapter "+v.name+": degraded: quarantined") {
				return ""
			}
			s.killPlugin(t, v.name)
			return body
		})
		// This must follow immediately: the first trial after the quarantine is after 5 s.
		if status, body := s.Ready(); status != http.StatusOK || !strings.HasSuffix(body, "\nready, degraded\n") {
			t.Errorf("readyz: %d\n%swant 200: the gateway itself is healthy", status, body)
		}
		if result := s.request(t, v, v.valid(s)); result.status != http.StatusServiceUnavailable || result.retryAfter == "" {
			t.Errorf("%s: %+v, want 503 with Retry-After", v.name, result)
		}
	}
}
