package crash

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/simulator"
)

// questionName returns the name of the message that a bot received, or an unknown name if its picture is missing or
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

// isTranscript reports whether a line at the desk is part of a transcript.
func isTranscript(line string) bool {
	return slices.ContainsFunc([]string{"Customer: ", "Assistant: ", "Agent: ", "System: "},
		func(speaker string) bool { return strings.HasPrefix(line, speaker) })
}

// botAnswers returns the bots' messages in accepted webhook calls.
func botAnswers(t *testing.T, pushed []simulator.Outcome) []answer {
	t.Helper()
	var out []answer
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
			t.Errorf("a bot's answer %s was never accepted: status %d, %v", body.ID, o.Status, o.Err)
			continue
		}
		out = append(out, answer{"faq", body.ID, body.Text})
	}
	return out
}

// deskAnswers returns the agents' messages in accepted pushes, without the desk's own notices, which have no id.
func (tr *traffic) deskAnswers(t *testing.T, pushed []simulator.Outcome) []answer {
	t.Helper()
	var out []answer
	for _, o := range pushed {
		var body struct {
			Messages []deskMessage `json:"messages"`
		}
		if err := json.Unmarshal(o.Call.Body, &body); err != nil {
			t.Fatal(err)
		}
		if !o.Accepted {
			t.Errorf("a push of the desk was never accepted: status %d, %v: %s", o.Status, o.Err, o.Call.Body)
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

// deskMessage is an agent's message in a push or poll.
type deskMessage struct {
	Code      string `json:"messageCode"`
	MediaType string `json:"mediaType"`
	Content   string `json:"content"`
}

// deskAnswer converts an agent's message. The text of a picture is its name.
func (tr *traffic) deskAnswer(t *testing.T, m deskMessage) answer {
	t.Helper()
	if m.MediaType == "IMAGE" {
		return answer{"desk", m.Code, tr.deskPicture(t, "local/"+m.Content)}
	}
	return answer{"desk", m.Code, m.Content}
}
