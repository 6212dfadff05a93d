package aicc

import (
	"testing"

	"patchbay/sandbox/simulator"
)

// sendForResult sends a message to send or sendAsync and returns the result's code and text.
func (d *desk) sendForResult(
	t *testing.T, endpoint string, header map[string]string, m map[string]any,
) (code, text string) {
	t.Helper()
	status, out, _ := d.call(t, "/apiaccess/ccmessaging/"+endpoint, header, m)
	if status != 200 {
		t.Fatalf("%s = %d %v", endpoint, status, out)
	}
	return out["resultCode"], out["resultDesc"]
}

func TestResultTexts(t *testing.T) {
	tests := []struct {
		name    string
		change  func(*Options)
		prepare func(*testing.T, *desk, map[string]string)
		control string
		code    string
		text    string
	}{
		{"outside hours", nil, func(_ *testing.T, d *desk, _ map[string]string) { d.SetOpen(false) },
			"CONNECT", "12", ReasonClosed},
		{"chat without session", nil, nil, "CHAT", "13", "session expired"},
		{"chat without session, with the text of the page", func(o *Options) { o.NoSession = ReasonSend }, nil,
			"CHAT", "13", ReasonSend},
		{"transfer without session", nil, nil, "TRANS2AGENT", "13", ReasonNoSession},
		{"disconnect without session", nil, nil, "DISCONNECT", "13", ReasonDisconnect},
		{"transfer of a chat with an agent", nil, startChat, "TRANS2AGENT", "13", ReasonWithAgent},
		{"repeated connect", nil, startChat, "CONNECT", "0", "success"},
		{"chat", nil, startChat, "CHAT", "0", "sendUserMessage successfully."},
		{"disconnect", nil, startChat, "DISCONNECT", "0", "disconnect successfully"},
		{"connect to the robot", withRobot, nil, "CONNECT", "0", "connect to robot successfully."},
		{"chat with the robot", withRobot, connect, "CHAT", "0", "Send message to robot successfully"},
		{"disconnect from the robot", withRobot, connect, "DISCONNECT", "0", "Disconnect robot successfully"},
		{"connect to the robot outside hours", withRobot,
			func(_ *testing.T, d *desk, _ map[string]string) { d.SetOpen(false) }, "CONNECT", "0", "connect to robot successfully."},
		{"transfer outside hours", withRobot, func(t *testing.T, d *desk, header map[string]string) {
			connect(t, d, header)
			d.SetOpen(false)
		}, "TRANS2AGENT", "12", ReasonClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, tt.change)
			header := d.login(t, "u1")
			if tt.prepare != nil {
				tt.prepare(t, d, header)
			}
			code, text := d.sendForResult(t, "send", header, message("u1", tt.control, "x"))
			if code != tt.code || text != tt.text {
				t.Errorf("got %s %q, want %s %q", code, text, tt.code, tt.text)
			}
		})
	}
}

func connect(t *testing.T, d *desk, header map[string]string) {
	d.send(t, header, message("u1", "CONNECT", ""), 200, "0")
}

func startChat(t *testing.T, d *desk, header map[string]string) {
	connect(t, d, header)
	if err := d.Accept("u1", "Bo"); err != nil {
		t.Fatal(err)
	}
}

func TestRefusalsByFault(t *testing.T) {
	d := newDesk(t, nil)
	header := d.login(t, "u1")
	d.Faults.Add(simulator.Fault{Kind: simulator.Refuse, Endpoint: EndpointSend, Text: ReasonNoCCUCS, Count: 2})
	d.Faults.Add(simulator.Fault{Kind: simulator.Refuse, Endpoint: EndpointSend, Code: 90001, Text: "queue is full", Count: 1})
	for _, want := range []string{"13", "13", "90001", "0"} {
		if code, text := d.sendForResult(t, "send", header, message("u1", "CONNECT", "")); code != want {
			t.Errorf("got %s %q, want %s", code, text, want)
		}
	}
}

func TestSendAsyncAfterATimeOut(t *testing.T) {
	d := newDesk(t, nil)
	header := d.login(t, "u1")
	d.send(t, header, message("u1", "CONNECT", ""), 200, "0")
	if code, _ := d.sendForResult(t, "sendAsync", header, message("u1", "CHAT", "while I wait")); code != "0" {
		t.Errorf("sendAsync within the session = %s, want 0", code)
	}
	if err := d.TimeOut("u1", true); err != nil {
		t.Fatal(err)
	}
	if c, _ := d.Chat("u1"); c.State != StateOffline {
		t.Errorf("chat is %s, want offline", c.State)
	}
	d.send(t, header, message("u1", "CHAT", "wrong door"), 200, "13")
	key := d.upload(t, header, "jpg", "a picture")
	for _, m := range []map[string]any{
		message("u1", "CHAT", "call me back"), media("u1", "IMAGE", key+",jpg"),
		media("u1", "WEBCARD", `{"mediaFileId":"`+key+`"}`),
	} {
		if code, text := d.sendForResult(t, "sendAsync", header, m); code != "0" {
			t.Errorf("sendAsync %v = %s %q, want 0", m["content"], code, text)
		}
	}
	if code, _ := d.sendForResult(t, "sendAsync", header, media("u1", "IMAGE", key+",mp3")); code != "13" {
		t.Errorf("sendAsync of an image with an audio extension = %s, want 13", code)
	}
	if code, _ := d.sendForResult(t, "sendAsync", header, media("u1", "IMAGE", key)); code != "13" {
		t.Errorf("sendAsync of an image without an extension = %s, want 13", code)
	}
	var offline []string
	for _, e := range d.Events.All() {
		if e.Async {
			offline = append(offline, e.MediaType)
		}
	}
	if len(offline) != 4 {
		t.Errorf("messages by sendAsync: %v, want four", offline)
	}
	d.send(t, header, message("u1", "CONNECT", ""), 200, "0")
	d.send(t, header, message("u1", "DISCONNECT", ""), 200, "0")
	if err := d.TimeOut("u1", false); err == nil {
		t.Error("TimeOut succeeded for a chat that has ended")
	}
	if code, _ := d.sendForResult(t, "sendAsync", header, message("u1", "CHAT", "too late")); code != "13" {
		t.Errorf("sendAsync after the customer left = %s, want 13", code)
	}
}
