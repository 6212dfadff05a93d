package aicc

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func (d *desk) poll(t *testing.T, header map[string]string, query string) (int, []polledMsg, http.Header) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/apiaccess/ccmessaging/poll?"+query, nil)
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	d.Handler().ServeHTTP(w, r)
	var out struct {
		ResultCode, ResultDesc string
		DownlinkMessages       []polledMsg
	}
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("response %q: %v", w.Body, err)
	}
	if w.Code == 200 && out.ResultCode == "0" && !strings.Contains(w.Body.String(), `"downlinkMessages":[`) {
		t.Errorf("response %q has no array of messages", w.Body)
	}
	if w.Code == 200 && out.ResultCode != "0" {
		return 0, nil, w.Header()
	}
	return w.Code, out.DownlinkMessages, w.Header()
}

func TestPollInsteadOfPushes(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.PushOff = true })
	header := d.login(t, "u1")
	startChat(t, d, header)
	d.AddLibraryFile("logo", "jpg", []byte("logo"))
	if _, err := d.SendFile("u1", "DOCUMENT", "pdf", []byte("%PDF")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.SayMedia("u1", "IMAGE", "logo"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.SayMedia("u1", "LOCATE", "48.137/11.575/Marienplatz 1/2"); err != nil {
		t.Fatal(err)
	}
	if err := d.Read("u1", "m1"); err != nil {
		t.Fatal(err)
	}
	const mine = "receiverId=u1&channel=WEB"
	status, got, _ := d.poll(t, header, mine)
	if status != 200 {
		t.Fatalf("poll = %d", status)
	}
	var lines []string
	for i, m := range got {
		line := m.SourceType + " " + m.ControlType + " " + *m.MediaType
		if m.ContentType != nil {
			line += " disk " + *m.ContentType
		}
		if m.MediaFileType != nil {
			line += " " + *m.MediaFileType
		}
		lines = append(lines, line)
		if m.InterIdx != i+1 {
			t.Errorf("message %d has interIdx %d", i+1, m.InterIdx)
		}
	}
	want := []string{
		"SYSTEM CHAT TEXT", "SYSTEM CHAT TEXT", "AGENT CHAT DOCUMENT disk 1 pdf", "AGENT CHAT IMAGE jpg", "AGENT CHAT LOCATE",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("polled (-want +got):\n%s", diff)
	}
	if _, again, _ := d.poll(t, header, mine); len(again) != 0 {
		t.Errorf("polled %v again", again)
	}
	if err := d.Read("u1", "m2"); err != nil {
		t.Fatal(err)
	}
	if _, got, _ := d.poll(t, header, mine+"&isNeedRead=true"); len(got) != 1 || *got[0].Content != "m2" {
		t.Errorf("got %v, want the read receipt of m2", got)
	}
	if polls, pushes := d.AcceptedCalls(EndpointPoll), d.pushes.Len(); polls != 3 || pushes != 0 {
		t.Errorf("%d polls and %d pushes, want 3 and none", polls, pushes)
	}
}

func TestPollRequiresTokensAndReceiver(t *testing.T) {
	d := newDesk(t, nil)
	header := d.login(t, "u1")
	for name, tt := range map[string]struct {
		query  string
		status int // 0 for a result code other than 0
	}{
		"another customer's messages": {"receiverId=u2&channel=WEB", 0}, "no receiver": {"channel=WEB", 0},
		"no channel": {"receiverId=u1", 400}, "good": {"receiverId=u1&channel=WEB", 200},
	} {
		if status, _, _ := d.poll(t, header, tt.query); status != tt.status {
			t.Errorf("%s: %d, want %d", name, status, tt.status)
		}
	}
	const mine = "receiverId=u1&channel=WEB"
	if status, _, _ := d.poll(t, map[string]string{"x-app-key": "ak"}, mine); status != 401 {
		t.Errorf("without tokens: %d, want 401", status)
	}
}

func TestMailboxKeepsTheNewestMessages(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.PushOff = true })
	header := d.login(t, "u1")
	for range maxMailbox + 5 {
		if err := d.Push(d.Message("u1", "AGENT", "CHAT", "TEXT", "x")); err != nil {
			t.Fatal(err)
		}
	}
	if _, got, _ := d.poll(t, header, "receiverId=u1&channel=WEB"); len(got) != maxMailbox || got[0].InterIdx != 6 {
		t.Errorf("polled %d from %d, want %d from 6", len(got), got[0].InterIdx, maxMailbox)
	}
}
