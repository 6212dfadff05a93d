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

// vendorCall is a webhook request of a vendor. Empty method and content type mean POST and JSON.
type vendorCall struct {
	method, path, contentType, body string
	header                          map[string]string
}

// refusal is a refusal in the vendor's form.
type refusal struct {
	status     int // HTTP status
	code       int // status in the body
	field      string
	text       string
	retryAfter string
	allow      string
}

// vendor knows how one vendor calls and how it reads a refusal.
type vendor struct {
	name  string
	valid func(s *system) vendorCall
	read  func(t *testing.T, body []byte) (code int, field, text string)
}

var vendors = []vendor{
	{"native", nativeCall, func(t *testing.T, body []byte) (int, string, string) {
		var no struct {
			Error struct {
				Status         int
				Field, Message string
			}
		}
		decodeStrict(t, body, &no)
		return no.Error.Status, no.Error.Field, no.Error.Message
	}},
	{"botwebhook", botCallback, func(t *testing.T, body []byte) (int, string, string) {
		var no struct {
			Code int
			Msg  string
		}
		decodeStrict(t, body, &no)
		field, text := splitField(no.Msg)
		return no.Code, field, text
	}},
	{"aicc", deskPush, func(t *testing.T, body []byte) (int, string, string) {
		var no struct {
			ResultCode int `json:"resultCode,string"`
			ResultDesc string
		}
		decodeStrict(t, body, &no)
		field, text := splitField(no.ResultDesc)
		return no.ResultCode, field, text
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
		t.Errorf("body %q does not have the vendor's form: %v", body, err)
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

// request makes a call. Unless the status is 200, it reads the refusal.
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
	no := refusal{status: resp.StatusCode, retryAfter: resp.Header.Get("Retry-After"), allow: resp.Header.Get("Allow")}
	if resp.StatusCode == http.StatusOK {
		return no
	}
	if got := resp.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type of the refusal: %q, want application/json", got)
	}
	no.code, no.field, no.text = v.read(t, body)
	if no.code != no.status || no.text == "" {
		t.Errorf("the body %q does not contain status %d and a text", body, no.status)
	}
	return no
}

// invalidCall is a change that makes a valid call invalid, and the expected refusal. The field "*" is any.
type invalidCall struct {
	name   string
	change func(c *vendorCall)
	status int
	field  string
}

func replaceBody(from, to string) func(*vendorCall) {
	return func(c *vendorCall) { c.body = strings.Replace(c.body, from, to, 1) }
}

// commonInvalidCalls apply to all vendors.
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

// vendorInvalidCalls apply to one vendor. The adapters' tests cover their fields.
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

// A refusal names the wrong field, and nothing of the call is stored.
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
				no := s.request(t, v, c)
				if no.status != b.status || b.field != "*" && no.field != b.field {
					t.Errorf("refused with %d for field %q (%s), want %d for %q", no.status, no.field, no.text, b.status, b.field)
				}
				if no.status == http.StatusMethodNotAllowed && no.allow != http.MethodPost {
					t.Errorf("Allow: %q, want POST", no.allow)
				}
				if b.status != http.StatusServiceUnavailable && no.retryAfter != "" {
					t.Errorf("Retry-After: %q for a call that will never be accepted", no.retryAfter)
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
			t.Errorf("%s is %v, want 0: no call may be accepted", name, n)
		}
	}
	if n := harness.Sum(m["patchbay_http_requests_refused_total"]); n != float64(calls) {
		t.Errorf("patchbay_http_requests_refused_total is %v, want %d", n, calls)
	}
	for _, v := range vendors {
		if no := s.request(t, v, v.valid(s)); no.status != http.StatusOK {
			t.Errorf("valid call of %s: status %d, want 200", v.name, no.status)
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

// Known customers and other channels are not affected.
func TestLimitsRefuseWithRetryAfter(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{
		Verify: harness.Bearer, Limits: []string{"limits: {opened_per_minute: 12}"},
	})
	s.say(t, "u1", "hello")
	s.say(t, "u2", "hello") // the burst is a sixth of the limit
	native, bot, desk := vendors[0], vendors[1], vendors[2]
	if no := s.request(t, native, nativeCall(s)); no.status != http.StatusTooManyRequests || no.retryAfter == "" {
		t.Errorf("a third new customer: %+v, want 429 with Retry-After", no)
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
	if no := push(0, 1000); no.status != http.StatusOK {
		t.Fatalf("a push on 1000 unknown threads: %+v, want 200", no)
	}
	if no := push(1, 1000); no.status != http.StatusTooManyRequests || no.retryAfter == "" {
		t.Fatalf("another push on 1000 unknown threads: %+v, want 429 with Retry-After", no)
	}
	if no := s.request(t, bot, botCallback(s)); no.status != http.StatusOK {
		t.Errorf("an answer in an unknown conversation on another channel: %+v, want 200", no)
	}
	s.say(t, "u1", "Still here")
	s.expect(t, "u1", "bot", "You said: Still here")
	harness.Eventually(t, harness.Timeout, "unknown threads are accepted again", func() string {
		if no := push(2, 1); no.status != http.StatusOK {
			return fmt.Sprintf("status %d", no.status)
		}
		return ""
	})
}

func TestQuarantinedAdapterIsAnsweredInTheVendorsForm(t *testing.T) {
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
		// Before the next adapter: the first trial out of the quarantine is after 5 s.
		if status, body := s.Ready(); status != http.StatusOK || !strings.HasSuffix(body, "\nready, degraded\n") {
			t.Errorf("readyz: %d\n%swant 200: the gateway itself is healthy", status, body)
		}
		if no := s.request(t, v, v.valid(s)); no.status != http.StatusServiceUnavailable || no.retryAfter == "" {
			t.Errorf("%s: %+v, want 503 with Retry-After", v.name, no)
		}
	}
}
