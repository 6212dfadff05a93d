package main

import (
	"fmt"
	"strconv"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// question is what one call asks the agent.
type question struct {
	body     any    // of the request
	path     string // below base_url
	degraded string // what could not be carried as it is
}

// compose returns the question of a delivery, in the form of the channel's version of the API.
func (ch *channel) compose(d *sdk.Delivery) (*question, error) {
	e := d.Envelope
	if e.Kind != envelope.KindMessage {
		return nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: opSend, Field: "kind",
			Text: fmt.Sprintf("%q can't be sent to an agent", e.Kind)}
	}
	config, lost := ch.chatConfig(e.Attributes)
	var q *question
	if ch.API == apiV1 {
		q, lost = ch.composeV1(d, config, lost)
	} else {
		q, lost = ch.composeV2(d, config, lost)
	}
	if q == nil {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opSend, Field: "parts", Text: "nothing to send"}
	}
	q.degraded = strings.Join(lost, "; ")
	return q, nil
}

// composeV2 puts what the agent has not seen before the customer's newest message.
func (ch *channel) composeV2(d *sdk.Delivery, config *chatConfig, lost []string) (*question, []string) {
	pieces, degraded := ch.pieces(d)
	content := contentOf(pieces)
	if content == nil {
		return nil, nil
	}
	messages := make([]chatMessage, 0, len(d.History)+1)
	for _, p := range past(d) {
		messages = append(messages, chatMessage{Role: chatRole(p.role), Content: p.words})
	}
	body := sendBodyV2{ConversationID: d.Thread, ResponseMode: ch.Mode, Config: config,
		Messages: append(messages, chatMessage{Role: "user", Content: content})}
	return &question{body: body, path: sendPathV2}, append(degraded, lost...)
}

// attachment returns the bytes of a part, nil if there are none.
func attachment(d *sdk.Delivery, part int) *sdk.Attachment {
	if part < len(d.Media) {
		return d.Media[part]
	}
	return nil
}

// utterance is one earlier message in words.
type utterance struct {
	role  envelope.Role
	words string
}

// past returns what the agent has not seen, oldest first.
func past(d *sdk.Delivery) []utterance {
	var out []utterance
	for _, e := range d.History {
		if e.Kind != envelope.KindMessage || e.Sender.Role == envelope.RoleObserver || (e.ID != "" && e.ID == d.Envelope.ID) {
			continue
		}
		if said := transcript(e.Parts); said != "" {
			out = append(out, utterance{e.Sender.Role, said})
		}
	}
	return out
}

// chatRole is user for the customer and assistant for all who spoke to the customer.
func chatRole(r envelope.Role) string {
	if r == envelope.RoleCustomer {
		return "user"
	}
	return "assistant"
}

// piece is one part of a question: words, or a file.
type piece struct {
	words string
	of    envelope.PartType
	file  *mediaItem
}

// pieces divides a delivery's parts into what can be sent. Media that the vendor can't take become words.
func (ch *channel) pieces(d *sdk.Delivery) (pieces []piece, degraded []string) {
	for i := range d.Envelope.Parts {
		p := &d.Envelope.Parts[i]
		words := described(p)
		if item, ok := mediaItemOf(p, attachment(d, i), ch.MediaBytes); ok {
			pieces = append(pieces, piece{of: p.Type, file: &item})
			words = p.Text // a caption
			if p.Type == envelope.PartAudio {
				words = "" // what it says can be heard
			}
		} else if p.Type != envelope.PartText {
			degraded = append(degraded, string(p.Type)+" sent as text")
		}
		if words != "" {
			pieces = append(pieces, piece{words: words})
		}
	}
	return pieces, degraded
}

// contentOf returns a string if there are only words, a list of parts if there are files, nil if there is nothing.
func contentOf(pieces []piece) any {
	list := make([]contentPart, 0, len(pieces))
	said := make([]string, 0, len(pieces))
	for _, p := range pieces {
		if p.file != nil {
			list = append(list, mediaPart(p.of, *p.file))
			continue
		}
		list = append(list, contentPart{Type: "text", Text: p.words})
		said = append(said, p.words)
	}
	switch {
	case len(list) == 0:
		return nil
	case len(said) < len(list):
		return list
	}
	return strings.Join(said, "\n")
}

// transcript puts parts into words, for the history.
func transcript(parts []envelope.Part) string {
	var said []string
	for i := range parts {
		if s := described(&parts[i]); s != "" {
			said = append(said, s)
		}
	}
	return strings.Join(said, "\n")
}

// described puts a part into words.
func described(p *envelope.Part) string {
	if p.Type == envelope.PartText {
		return p.Text
	}
	words := []string{"[" + strings.TrimSpace(string(p.Type)+" "+p.Name) + "]"}
	if p.Type == envelope.PartLocation {
		words = append(words, strconv.FormatFloat(p.Latitude, 'f', -1, 64)+","+
			strconv.FormatFloat(p.Longitude, 'f', -1, 64))
	}
	for _, s := range append([]string{p.Text, p.URL}, p.Items...) {
		if s != "" {
			words = append(words, s)
		}
	}
	return strings.Join(words, " ")
}
