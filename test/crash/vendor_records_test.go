package crash

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/simulator"
)

// questionName returns the name of the message in a send call, or a name of no message if its picture is missing or
// wrong.
func (tr *traffic) questionName(t *testing.T, a botwebhook.SendCall) string {
	t.Helper()
	id := messageName(botwebhook.Question(a.Messages))
	media := a.Messages[len(a.Messages)-1].Media
	if !hasPicture(id) && len(media) == 0 ||
		hasPicture(id) && len(media) == 1 && tr.linkedPicture(t, media[0].URL) == id+".png" {
		return id
	}
	return id + "-with-wrong-pictures"
}

// isTranscript reports whether a line at the desk is a transcript.
func isTranscript(line string) bool {
	return slices.ContainsFunc([]string{"Customer: ", "Assistant: ", "Agent: ", "System: "},
		func(speaker string) bool { return strings.HasPrefix(line, speaker) })
}

// botAnswers returns the bots' answers in webhook calls. It fails the test if a call was not accepted.
func botAnswers(t *testing.T, pushed []simulator.Outcome) []acceptedAnswer {
	t.Helper()
	var out []acceptedAnswer
	for _, o := range pushed {
		var body struct {
			ID   string `json:"message_id"`
			Text string `json:"text"`
		}
		if err := json.Unmarshal(o.Call.Body, &body); err != nil {
			t.Fatal(err)
		}
		if o.Call.Endpoint != botwebhook.EndpointPush {
			continue // a handoff
		}
		if !o.Accepted {
			t.Errorf("the bot's answer %s was not accepted: status %d, %v", body.ID, o.Status, o.Err)
			continue
		}
		out = append(out, acceptedAnswer{"faq", body.ID, body.Text})
	}
	return out
}

// deskAnswers returns the agents' messages in pushes, without the texts of the desk, which have no id. It fails the
// test if a push was not accepted.
func (tr *traffic) deskAnswers(t *testing.T, pushed []simulator.Outcome) []acceptedAnswer {
	t.Helper()
	var out []acceptedAnswer
	for _, o := range pushed {
		var body struct {
			Messages []deskMessage `json:"messages"`
		}
		if err := json.Unmarshal(o.Call.Body, &body); err != nil {
			t.Fatal(err)
		}
		if !o.Accepted {
			t.Errorf("a push of the desk was not accepted: status %d, %v: %s", o.Status, o.Err, o.Call.Body)
			continue
		}
		for _, m := range body.Messages {
			if m.Code != "" {
				out = append(out, tr.deskAnswer(t, m))
			}
		}
	}
	return out
}

// deskMessage is a message in a push or in the response to a poll.
type deskMessage struct {
	Code      string `json:"messageCode"`
	MediaType string `json:"mediaType"`
	Content   string `json:"content"`
}

// deskAnswer converts an agent's message. The text of a picture is the picture's name.
func (tr *traffic) deskAnswer(t *testing.T, m deskMessage) acceptedAnswer {
	t.Helper()
	if m.MediaType == "IMAGE" {
		return acceptedAnswer{"desk", m.Code, tr.deskPicture(t, "local/"+m.Content)}
	}
	return acceptedAnswer{"desk", m.Code, m.Content}
}
