package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"patchbay/sdk/envelope"
)

func decodeInto(t rapid.TB, s string, v any) {
	if err := json.Unmarshal([]byte(s), v); err != nil {
		t.Fatalf("not JSON: %v", err)
	}
}

// anyText generates texts, including characters that JSON escapes.
func anyText(min int) *rapid.Generator[string] {
	return rapid.StringOfN(rapid.Rune(), min, 40, -1)
}

// example is a message in AICC's format and the expected envelope.
type example struct {
	item map[string]any
	want envelope.Envelope
}

// anyMessage generates a message of any kind.
func anyMessage(t *rapid.T, n int) example {
	at := rapid.Int64Range(1, lastMilli).Draw(t, "timestamp")
	user := rapid.StringMatching(`[0-9a-f]{1,32}`).Draw(t, "to")
	source := rapid.SampledFrom([]string{sourceAgent, sourceRobot, sourceSystem}).Draw(t, "sourceType")
	name := rapid.StringMatching(`[A-Za-z ]{0,20}`).Draw(t, "senderNickname")
	s := example{
		item: map[string]any{
			"from": testChannelID, "to": user, "channel": "WEB", "controlType": controlChat, "sourceType": source,
			"timestamp": at, "senderNickname": name, "simQuestions": nil, "messageCode": "code-" + strconv.Itoa(n),
		},
		want: envelope.Envelope{
			Channel: "desk", Thread: user, Kind: envelope.KindMessage, SentAt: time.UnixMilli(at).UTC(),
			Sender: envelope.Sender{Role: senderRoles[source], Name: name}, Attributes: map[string]string{},
		},
	}
	switch rapid.IntRange(0, 4).Draw(t, "form") {
	case 0:
		s.text(t)
	case 1:
		s.location(t)
	case 2:
		s.medium(t)
	case 3:
		s.read(t)
	default:
		s.event(t)
	}
	if source == sourceAgent && s.item["controlType"] == controlChat {
		s.want.VendorID = "code-" + strconv.Itoa(n)
	}
	return s
}

// text makes s a text, with or without suggestions.
func (s *example) text(t *rapid.T) {
	content := anyText(1).Draw(t, "content")
	s.item["mediaType"], s.item["content"] = mediaText, content
	s.want.Parts = []envelope.Part{envelope.TextPart(content)}
	items := rapid.SliceOfN(rapid.StringMatching(`[a-z?工 ]{1,20}`), 0, 5).Draw(t, "simQuestions")
	if len(items) == 0 {
		return
	}
	s.item["simQuestions"] = items
	if rapid.Bool().Draw(t, "inside of a string") {
		b, err := json.Marshal(items)
		if err != nil {
			t.Fatal(err)
		}
		s.item["simQuestions"] = string(b)
	}
	s.want.Parts = append(s.want.Parts, envelope.Part{Type: envelope.PartSuggestions, Items: items})
}

func (s *example) location(t *rapid.T) {
	p := envelope.Part{
		Type: envelope.PartLocation, Text: anyText(0).Draw(t, "description"),
		Latitude:  rapid.Float64Range(-90, 90).Draw(t, "latitude"),
		Longitude: rapid.Float64Range(-180, 180).Draw(t, "longitude"),
	}
	digits := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	s.item["mediaType"] = mediaLocation
	s.item["content"] = digits(p.Latitude) + "/" + digits(p.Longitude) + "/" + p.Text
	s.want.Parts = []envelope.Part{p}
}

func (s *example) medium(t *rapid.T) {
	media := rapid.SampledFrom([]string{mediaImage, mediaVideo, mediaAudio, mediaDocument}).Draw(t, "mediaType")
	ref := rapid.StringMatching(`[A-Za-z0-9/_.-]{1,60}`).Draw(t, "content")
	s.item["mediaType"], s.item["content"] = media, ref
	s.want.Parts = []envelope.Part{{Type: mediaParts[media], Ref: ref}}
}

// read makes s a READ with an array or a comma-separated list.
func (s *example) read(t *rapid.T) {
	ids := rapid.SliceOfN(rapid.StringMatching(`[A-Za-z0-9-]{1,64}`), 1, envelope.MaxReferences).Draw(t, "ids")
	s.item["controlType"], s.item["mediaType"], s.item["content"] = controlRead, nil, ids
	if rapid.Bool().Draw(t, "one string") {
		s.item["content"] = strings.Join(ids, rapid.SampledFrom([]string{",", ", "}).Draw(t, "comma"))
	}
	s.want.Kind, s.want.RefersTo = envelope.KindRead, ids
}

func (s *example) event(t *rapid.T) {
	control := rapid.SampledFrom([]string{controlConnect, controlTransfer, controlInput, controlDisconnect}).Draw(t, "controlType")
	content := anyText(0).Draw(t, "content")
	s.item["controlType"], s.item["content"] = control, content
	s.want.Kind = events[control]
	if content != "" {
		s.want.Parts = []envelope.Part{envelope.TextPart(content)}
	}
	if control == controlDisconnect {
		s.want.Attributes[attrReason] = map[envelope.Role]string{
			envelope.RoleAgent: reasonAgent, envelope.RoleBot: reasonRobot, envelope.RoleSystem: reasonTimeout,
		}[s.want.Sender.Role]
	}
}

// Messages of AICC become equivalent envelopes in the same order, by push and by poll.
func TestMessagesArriveUnchanged(t *testing.T) {
	pushed := deskAdapter(t)
	c, err := testAdapter(t, pollingChannel(t, nil)).channel("desk")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		items := []map[string]any{}
		var want []envelope.Envelope
		for n := range rapid.IntRange(0, 6).Draw(rt, "messages") {
			s := anyMessage(rt, n)
			items, want = append(items, s.item), append(want, s.want)
		}
		push, err := json.Marshal(map[string]any{"timestamp": 1625898453913, "messages": items})
		if err != nil {
			rt.Fatal(err)
		}
		r, err := pushed.Receive(t.Context(), signedRequest(push))
		if err != nil {
			rt.Fatal(err)
		}
		compareWith(rt, want, r.Envelopes)
		answer, err := json.Marshal(map[string]any{"resultCode": "0", "downlinkMessages": items})
		if err != nil {
			rt.Fatal(err)
		}
		st := readState(nil)
		polled, err := c.readPoll(testUser, &st, answer)
		if err != nil {
			rt.Fatal(err)
		}
		for _, e := range polled {
			for i := range e.Parts {
				e.Parts[i].Attributes = nil // a push has no fields for the file's location
			}
		}
		compareWith(rt, want, polled)
	})
}

// compareWith compares envelopes without their ids, and checks that all ids are different.
func compareWith(t *rapid.T, want []envelope.Envelope, got []*envelope.Envelope) {
	seen := map[string]bool{}
	var plain []envelope.Envelope
	for _, e := range got {
		if id := fmt.Sprint(e.Thread, " ", e.VendorID); seen[id] || e.VendorID == "" {
			t.Fatalf("the id %q is empty or repeated", e.VendorID)
		} else {
			seen[id] = true
		}
		p := *e
		if strings.HasPrefix(p.VendorID, derivedPrefix) {
			p.VendorID = ""
		}
		plain = append(plain, p)
	}
	if d := cmp.Diff(want, plain); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
}
