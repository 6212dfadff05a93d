package main

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if mood := os.Getenv("SANDBOX_TEST_GATEWAY"); mood != "" {
		os.Exit(runFakeGateway(mood))
	}
	goleak.VerifyTestMain(m)
}

func play(t *testing.T, mood string, within time.Duration, media bool) (string, error) {
	t.Helper()
	t.Setenv("SANDBOX_TEST_GATEWAY", mood)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = playDemo(t.Context(), demoOptions{bin: self, config: "none", within: within, media: media}, t.TempDir(), &out)
	http.DefaultClient.CloseIdleConnections()
	return out.String(), err
}

func TestDemoPlaysTheWholeStory(t *testing.T) {
	out, err := play(t, "good", 30*time.Second, false)
	if err != nil {
		t.Fatalf("demo: %v\n%s", err, out)
	}
	for _, want := range []string{
		"customer:  I want a human\n", "bot:       Hello! How can I help you?\n", "agent:     It is at the post office.\n",
		`shows "Thank you, I will fetch it."`, "bot:       You said: Are you still there?\n", "All 13 steps were there.",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("transcript lacks %q:\n%s", want, out)
		}
	}
}

func TestDemoWithPictures(t *testing.T) {
	out, err := play(t, "good", 30*time.Second, true)
	if err != nil {
		t.Fatalf("demo: %v\n%s", err, out)
	}
	for _, want := range []string{
		"agent:     (image)\n", "(livechat) shows the picture, 788 bytes\n", "(desk)     shows the picture, 788 bytes\n",
		"All 15 steps were there.",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("transcript lacks %q:\n%s", want, out)
		}
	}
}

func TestDemoNamesTheMissingStep(t *testing.T) {
	tests := []struct {
		mood, step string
		within     time.Duration
		is         error
	}{
		{"forgetful", "the conversation goes on where it was", 30 * time.Second, errOtherConversation},
		{"deaf", "the agent accepts and greets the customer", 2 * time.Second, nil},
		{"sulky", "the gateway stops on SIGINT with nothing left behind", 30 * time.Second, nil},
		{"blurred", "the agent's picture reaches the chat page", 30 * time.Second, errOtherPicture},
		{"messy", "the gateway stops on SIGINT with nothing left behind", 30 * time.Second, errSurvivors},
	}
	for _, tt := range tests {
		t.Run(tt.mood, func(t *testing.T) {
			out, err := play(t, tt.mood, tt.within, tt.mood == "blurred")
			if err == nil || !strings.Contains(err.Error(), tt.step) {
				t.Fatalf("err = %v, want one that names %q\n%s", err, tt.step, out)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("err = %v, want %v", err, tt.is)
			}
		})
	}
}
