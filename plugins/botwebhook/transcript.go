package main

import (
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// transcriptParts returns the newest of what customer and agent said so far, oldest first, one part each, and notes in
// attributes what there is not. A hand-off is not refused for a transcript that can't be read.
func transcriptParts(v jsontext.Value, attributes map[string]string) []envelope.Part {
	var items []transcriptItem
	if len(v) > 0 {
		if f := webhook.DecodeJSON(v, &items, "body"); f != nil {
			attributes[attrProblem] = f.Field + ": " + f.Message
			return nil
		}
	}
	items = slices.DeleteFunc(items, func(item transcriptItem) bool { return item.words() == "" })
	if earlier := len(items) - envelope.MaxParts; earlier > 0 {
		attributes[attrEarlier] = strconv.Itoa(earlier)
		items = items[earlier:]
	}
	parts, shortened := make([]envelope.Part, len(items)), 0
	for i, item := range items {
		words := item.words()
		parts[i] = envelope.TextPart(clip(words, envelope.MaxTextBytes))
		if len(parts[i].Text) < len(words) {
			shortened++
		}
		parts[i].Attributes = item.speaker()
	}
	if shortened > 0 {
		attributes[attrShortened] = strconv.Itoa(shortened)
	}
	return parts
}

// words is what was said; what is no string stays as it is written.
func (t *transcriptItem) words() string {
	switch t.Text.Kind() {
	case '"':
		return plain(t.Text)
	case 'n', 0:
		return ""
	}
	return string(t.Text)
}

// speaker says in a part's attributes whose words they are, nil if that is not known.
func (t *transcriptItem) speaker() map[string]string {
	switch kind := plain(t.MessageType); kind {
	case typeQuestion:
		return map[string]string{attrRole: string(envelope.RoleCustomer)}
	case typeAnswer:
		return map[string]string{attrRole: string(envelope.RoleBot)}
	case "":
		return nil
	default:
		return map[string]string{attrMessageType: clip(kind, maxLabelBytes)}
	}
}
