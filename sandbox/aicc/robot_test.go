package aicc

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func withRobot(o *Options) {
	o.Greeting = "I am a robot."
	o.Robot = func(question string) string {
		if question == "silence" {
			return ""
		}
		return "You said " + question
	}
}

func TestRobotAnswersUntilTheTransfer(t *testing.T) {
	d := newDesk(t, withRobot)
	header := d.login(t, "u1")
	for _, m := range []map[string]any{
		message("u1", "CONNECT", ""), message("u1", "CONNECT", ""), message("u1", "CHAT", "hello"),
		message("u1", "CHAT", "silence"),
	} {
		d.send(t, header, m, 200, "0")
	}
	if len(d.Waiting()) != 0 {
		t.Error("the customer waits for an agent before the transfer")
	}
	if err := d.Accept("u1", "Bo"); err == nil {
		t.Error("Accept succeeded for a chat with the robot")
	}
	d.send(t, header, message("u1", "TRANS2AGENT", ""), 200, "0")
	d.send(t, header, message("u1", "TRANS2AGENT", ""), 200, "0")
	if len(d.Waiting()) != 1 {
		t.Error("no customer waits after the transfer")
	}
	d.send(t, header, message("u1", "CHAT", "are you there?"), 200, "0")
	if err := d.Accept("u1", "Bo"); err != nil {
		t.Fatal(err)
	}
	pushes := d.waitForPushes(t, 4)
	want := []string{
		"ROBOT CHAT I am a robot.", "ROBOT CHAT You said hello", "SYSTEM CHAT Queuing...",
		"SYSTEM CHAT The call is connected to an agent.",
	}
	if diff := cmp.Diff(want, summaries(pushes)); diff != "" {
		t.Errorf("pushes (-want +got):\n%s", diff)
	}
}
