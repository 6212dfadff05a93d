package aicc

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/simulator"
)

const (
	channelID = "202105284494222653"
	pushKey   = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
)

// desk is a simulator and the gateway's webhook for its pushes. It is the transport of the simulator's client and needs
// no network, so that it works in a synctest bubble.
type desk struct {
	*Simulator
	pushes simulator.Log[push]
}

type push struct {
	auth, path, host string
	raw              []byte
	body             struct{ Messages []DownLinkMsg }
}

func newDesk(t *testing.T, change func(*Options)) *desk {
	t.Helper()
	o := Options{AppKey: "ak", AppSecret: "as", ChannelID: channelID, PushKey: pushKey}
	if change != nil {
		change(&o)
	}
	d := &desk{Simulator: New(o)}
	d.Client.Transport = d
	d.SetGateway("http://gateway:8080/x")
	t.Cleanup(d.Simulator.Close)
	return d
}

// RoundTrip records and accepts a push.
func (d *desk) RoundTrip(r *http.Request) (*http.Response, error) {
	p := push{auth: r.Header.Get("Authorization"), path: r.URL.Path, host: r.URL.Host}
	p.raw, _ = io.ReadAll(r.Body)
	if err := json.Unmarshal(p.raw, &p.body); err != nil {
		return nil, err
	}
	d.pushes.Append(p)
	body := io.NopCloser(strings.NewReader(`{"resultCode":"0","resultDesc":"success"}`))
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: body}, nil
}

func (d *desk) waitForPushes(t *testing.T, n int) []push {
	t.Helper()
	if err := d.pushes.Wait(testContext(t), func(p []push) bool { return len(p) >= n }); err != nil {
		t.Fatal(err)
	}
	return d.pushes.All()
}

func (d *desk) call(
	t *testing.T, path string, header map[string]string, body any,
) (int, map[string]string, http.Header) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(string(raw)))
	r.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	d.Handler().ServeHTTP(w, r)
	resp := w.Result()
	return w.Code, decode(t, resp), resp.Header
}

// decode decodes a response that is a JSON object of strings.
func decode(t *testing.T, resp *http.Response) map[string]string {
	t.Helper()
	defer resp.Body.Close()
	var out map[string]string
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatalf("response %d: %v", resp.StatusCode, err)
	}
	return out
}

// login gets the tokens for a user and returns the headers for the user's calls.
func (d *desk) login(t *testing.T, user string) map[string]string {
	t.Helper()
	status, out, _ := d.call(t, "/apigovernance/api/oauth/tokenByAkSk", nil,
		map[string]string{"app_key": "ak", "app_secret": "as"})
	if status != 200 || out["ApplyType"] != "Bearer" || out["Expires"] != "600" {
		t.Fatalf("tokenByAkSk = %d %v", status, out)
	}
	header := map[string]string{"x-app-key": "ak", "Authorization": "Bearer " + out["AccessToken"]}
	status, out, _ = d.call(t, "/apiaccess/ccmessaging/applyToken", header,
		map[string]string{"userId": user, "userName": "Ann", "channelId": channelID, "locale": "en"})
	if status != 200 || out["resultCode"] != "0" {
		t.Fatalf("applyToken = %d %v", status, out)
	}
	header["ccmessaging-token"] = out["token"]
	return header
}

func message(user, control, content string) map[string]any {
	return map[string]any{
		"channel": "WEB", "controlType": control, "mediaType": "TEXT", "content": content, "from": user,
		"to": channelID, "sourceType": "CUSTOMER", "timestamp": "1625898453913",
	}
}

// send sends a message and requires a status and, with status 200, a result code. It returns the response's headers.
func (d *desk) send(t *testing.T, header map[string]string, m map[string]any, status int, code string) http.Header {
	t.Helper()
	got, out, h := d.call(t, "/apiaccess/ccmessaging/send", header, m)
	if got != status || out["resultCode"] != code {
		t.Errorf("send %v = %d %v, want %d with result code %q", m["controlType"], got, out, status, code)
	}
	return h
}

func summaries(ps []push) []string {
	var out []string
	for _, p := range ps {
		for _, m := range p.body.Messages {
			line := m.SourceType + " " + m.ControlType
			if m.Content != nil {
				line += " " + *m.Content
			}
			if m.IsOfflineStatus != nil && *m.IsOfflineStatus {
				line += " (offline)"
			}
			if m.MessageCode != nil {
				line += " (coded)"
			}
			out = append(out, line)
		}
	}
	return out
}

func TestChatFromQueueToHangup(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.ConnectEvent = true })
	header := d.login(t, "u1")
	d.send(t, header, message("u1", "CONNECT", ""), 200, "0")
	d.send(t, header, message("u1", "CHAT", "I wait"), 200, "0")
	if w := d.Waiting(); len(w) != 1 || w[0].Name != "Ann" || len(w[0].Lines) != 2 {
		t.Fatalf("waiting %+v, want Ann with two lines", w)
	}
	if _, err := d.Say("u1", "too early"); !errors.Is(err, ErrState) {
		t.Errorf("Say before Accept = %v, want ErrState", err)
	}
	if err := d.Accept("u1", "Bo"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Say("u1", "Hello Ann"); err != nil {
		t.Fatal(err)
	}
	d.send(t, header, message("u1", "TRANS2AGENT", ""), 200, "13")
	if err := d.Hangup("u1"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"SYSTEM CHAT Queuing...", "SYSTEM CHAT The call is connected to an agent.", "AGENT CONNECT",
		"AGENT CHAT Hello Ann (coded)", "AGENT DISCONNECT",
	}
	if diff := cmp.Diff(want, summaries(d.waitForPushes(t, 5))); diff != "" {
		t.Errorf("pushes (-want +got):\n%s", diff)
	}
	d.send(t, header, message("u1", "CHAT", "still there?"), 200, "13")
	d.send(t, header, message("u1", "DISCONNECT", ""), 200, "13")
	d.send(t, header, message("u1", "CONNECT", ""), 200, "0")
	if c, _ := d.Chat("u1"); c.State != StateWaiting {
		t.Errorf("chat %+v, want waiting", c)
	}
	d.send(t, header, message("u1", "DISCONNECT", ""), 200, "0")
	if c, m, l := d.Count("CONNECT"), d.Count("CHAT"), d.Count("DISCONNECT"); c != 2 || m != 1 || l != 1 {
		t.Errorf("%d CONNECT, %d CHAT, %d DISCONNECT, want 2, 1, 1", c, m, l)
	}
}

func TestTimeOuts(t *testing.T) {
	for name, tt := range map[string]struct {
		async bool
		want  string
	}{
		"chat has ended":       {false, "SYSTEM DISCONNECT"},
		"messages may be left": {true, "SYSTEM DISCONNECT No agent answered in time. You can leave a message. (offline)"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, nil)
			d.send(t, d.login(t, "u1"), message("u1", "CONNECT", ""), 200, "0")
			if err := d.TimeOut("u1", tt.async); err != nil {
				t.Fatal(err)
			}
			if got := summaries(d.waitForPushes(t, 2))[1]; got != tt.want {
				t.Errorf("pushed %q, want %q", got, tt.want)
			}
			if err := d.TimeOut("u1", tt.async); !errors.Is(err, ErrState) {
				t.Errorf("second time-out = %v, want ErrState", err)
			}
		})
	}
}

func TestPushesFollowThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		d.send(t, d.login(t, "44444444"), message("44444444", "CONNECT", ""), 200, "0")
		got := d.waitForPushes(t, 1)[0]
		const want = `{"messages":[{"channel":"WEB","from":"202105284494222653","to":"44444444",` +
			`"controlType":"CHAT","sourceType":"SYSTEM","mediaType":"TEXT","content":"Queuing...","simQuestions":null,` +
			`"senderNickname":"SYSTEM","messageCode":null,"timestamp":946684800000}],"timestamp":946684800000}`
		if diff := cmp.Diff(want, string(got.raw)); diff != "" {
			t.Errorf("body (-want +got):\n%s", diff)
		}
		if got.path != "/x/webhooks/v1/messages" {
			t.Errorf("path %q", got.path)
		}
		signed := Authorization("ak", pushKey, "POST", got.path, start, map[string]string{"host": got.host}, got.raw)
		if got.auth != signed {
			t.Errorf("Authorization %q, want %q", got.auth, signed)
		}
	})
}

// start is the time at which the clock of a synctest bubble starts.
const start = "2000-01-01T00:00:00Z"

func TestQuotedTokens(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.QuoteTokens = true })
	header := d.login(t, "u1")
	quoted := header["ccmessaging-token"]
	header["ccmessaging-token"] = strings.Trim(quoted, `"`)
	if len(header["ccmessaging-token"]) != len(quoted)-2 {
		t.Fatalf("token %q has no quotes around it", quoted)
	}
	d.send(t, header, message("u1", "CONNECT", ""), 200, "0")
}

func TestCredentials(t *testing.T) {
	d := newDesk(t, nil)
	header := d.login(t, "u1")
	d.send(t, header, message("u1", "CONNECT", ""), 200, "0")

	status, _, _ := d.call(t, "/apigovernance/api/oauth/tokenByAkSk", nil,
		map[string]string{"app_key": "ak", "app_secret": "no"})
	if status != 401 {
		t.Errorf("wrong secret: status %d, want 401", status)
	}
	with := func(name, value string) map[string]string {
		h := map[string]string{}
		for k, v := range header {
			h[k] = v
		}
		h[name] = value
		return h
	}
	chat := message("u1", "CHAT", "x")
	d.send(t, with("x-app-key", "no"), chat, 401, "")
	d.send(t, with("Authorization", "Bearer no"), chat, 403, "")
	d.send(t, with("ccmessaging-token", "no"), chat, 401, "")
	d.send(t, header, message("u2", "CHAT", "x"), 200, "13")

	d.Faults.Add(simulator.Fault{Kind: simulator.ExpiredToken, Endpoint: EndpointSend, Count: 1})
	d.send(t, header, chat, 403, "")
	d.send(t, header, chat, 200, "0")
}

func TestTokensExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		header := d.login(t, "u1")
		chat := message("u1", "CHAT", "x")
		d.send(t, header, message("u1", "CONNECT", ""), 200, "0")
		time.Sleep(599 * time.Second)
		d.send(t, header, chat, 200, "0")
		time.Sleep(time.Second)
		d.send(t, header, chat, 403, "")

		time.Sleep(userTokenTTL)
		old := header["ccmessaging-token"]
		header["Authorization"] = d.login(t, "u2")["Authorization"]
		renewed := d.send(t, header, chat, 200, "0").Get("ccmessaging-token") // replaced because the session is open
		if renewed == "" {
			t.Fatal("no new ccmessaging-token in the response's headers")
		}
		header["ccmessaging-token"] = renewed
		d.send(t, header, message("u1", "DISCONNECT", ""), 200, "0")
		header["ccmessaging-token"] = old
		d.send(t, header, chat, 401, "")
	})
}

func TestRefusedRequests(t *testing.T) {
	change := func(field string, value any) func(map[string]any) {
		return func(m map[string]any) { m[field] = value }
	}
	tests := []struct {
		name   string
		change func(map[string]any)
		status int
		code   string
	}{
		{"number as timestamp", change("timestamp", 1625898453913), 400, ""},
		{"unknown control type", change("controlType", "HELLO"), 400, ""},
		{"unknown media type", change("mediaType", "SMELL"), 400, ""},
		{"not a customer", change("sourceType", "AGENT"), 400, ""},
		{"other channel type", change("channel", "SMS"), 400, ""},
		{"other channel", change("to", "1"), 200, "13"},
		{"text of 1025 bytes", change("content", strings.Repeat("x", 1025)), 200, "13"},
		{"text of 1024 bytes", change("content", strings.Repeat("x", 1024)), 200, "0"},
	}
	d := newDesk(t, nil)
	header := d.login(t, "u1")
	d.send(t, header, message("u1", "CHAT", "no session"), 200, "13")
	d.send(t, header, message("u1", "CONNECT", ""), 200, "0")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := message("u1", "CHAT", "x")
			tt.change(m)
			d.send(t, header, m, tt.status, tt.code)
		})
	}
	status, _, _ := d.call(t, "/apiaccess/ccmessaging/applyToken", header, map[string]string{
		"userId": strings.Repeat("u", 33), "userName": "Ann", "channelId": channelID, "locale": "en"})
	if status != 400 {
		t.Errorf("user id of 33 characters: status %d, want 400", status)
	}
}

func TestOutsideWorkingHours(t *testing.T) {
	d := newDesk(t, nil)
	header := d.login(t, "u1")
	d.SetOpen(false)
	d.send(t, header, message("u1", "CONNECT", ""), 200, "12")
	if len(d.Waiting()) != 0 {
		t.Error("a customer waits although the desk is closed")
	}
	d.SetOpen(true)
	d.send(t, header, message("u1", "CONNECT", ""), 200, "0")
}

func TestPushIsRetriedWithANewSignature(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Retry = simulator.Retry{Attempts: 2, First: time.Millisecond} })
	d.Faults.Add(simulator.Fault{Kind: simulator.Drop, Endpoint: EndpointPush, Count: 1})
	d.Faults.Add(simulator.Fault{Kind: simulator.BadSignature, Endpoint: EndpointPush, Count: 1})
	if err := d.Push(d.Message("u1", "AGENT", "CHAT", "TEXT", "x")); err != nil {
		t.Fatal(err)
	}
	got := d.waitForPushes(t, 2)
	if got[0].auth == got[1].auth || string(got[0].raw) != string(got[1].raw) {
		t.Errorf("want one body with a valid and an invalid signature, got %q and %q", got[0].auth, got[1].auth)
	}
}

func TestPushNeedsResultCodeZeroAsString(t *testing.T) {
	for body, want := range map[string]bool{
		`{"resultCode":"0"}`: true, `{"resultCode":0}`: false, `{"resultCode":"1"}`: false, `{}`: false, ``: false,
	} {
		if got := accepted(200, []byte(body)); got != want {
			t.Errorf("accepted(200, %s) = %v, want %v", body, got, want)
		}
	}
	if accepted(500, []byte(`{"resultCode":"0"}`)) {
		t.Error("accepted a 500")
	}
}
