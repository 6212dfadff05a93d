package main

import (
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
	"patchbay/sdk/webhook"
)

// transcriptParts returns the newest messages of the transcript, oldest first, one part each. It notes omitted and
// malformed content in attributes instead of refusing the hand-off.
func transcriptParts(v jsontext.Value, attributes map[string]string) []envelope.Part {
	var items []transcriptItem
	if len(v) > 0 {
		if f := webhook.DecodeJSON(v, &items, "body"); f != nil {
			attributes[attrProblem] = f.Field + ": " + f.Message
			return nil
		}
	}
	items = slices.DeleteFunc(items, func(item transcriptItem) bool { return item.text() == "" })
	if earlier := len(items) - envelope.MaxParts; earlier > 0 {
		attributes[attrEarlier] = strconv.Itoa(earlier)
		items = items[earlier:]
	}
	parts, shortened := make([]envelope.Part, len(items)), 0
	for i, item := range items {
		s := item.text()
		parts[i] = envelope.TextPart(text.Clip(s, envelope.MaxTextBytes))
		if len(parts[i].Text) < len(s) {
			shortened++
		}
		parts[i].Attributes = item.attributes()
	}
	if shortened > 0 {
		attributes[attrShortened] = strconv.Itoa(shortened)
	}
	return parts
}

// text returns the text. A value other than a string is returned as JSON.
func (t *transcriptItem) text() string {
	switch t.Text.Kind() {
	case '"':
		return stringOf(t.Text)
	case 'n', 0:
		return ""
	}
	return string(t.Text)
}

// attributes returns the sender's role as attributes, or nil if there is no message_type.
func (t *transcriptItem) attributes() map[string]string {
	switch messageType := stringOf(t.MessageType); messageType {
	case typeQuestion:
		return map[string]string{attrRole: string(envelope.RoleCustomer)}
	case typeAnswer:
		return map[string]string{attrRole: string(envelope.RoleBot)}
	case "":
		return nil
	default:
		return map[string]string{attrMessageType: text.Clip(messageType, maxLabelBytes)}
	}
}
