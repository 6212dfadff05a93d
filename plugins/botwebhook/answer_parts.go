package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
	"patchbay/sdk/webhook"
)

// Attributes of parts.
const (
	attrBranch    = "branch"    // of the flow
	attrComponent = "component" // of the flow
	attrAudio     = "audio"     // "transcript": the text replaces a recording without a link
)

// maxLabelBytes limits the names of branches and components.
const maxLabelBytes = 1 << 10

// flowParts returns the parts for text and flow_output of v1.
func flowParts(v, flow jsontext.Value) ([]envelope.Part, *webhook.Fault) {
	answer, f := webhook.TextJSON(v, "text")
	if f != nil {
		return nil, f
	}
	if f := webhook.CheckLength("text", answer, envelope.MaxTextBytes); f != nil {
		return nil, f
	}
	var items []flowOutput
	if len(flow) > 0 {
		if f := webhook.DecodeJSON(flow, &items, "flow_output"); f != nil {
			return nil, f
		}
	}
	if len(items) >= envelope.MaxParts {
		return nil, webhook.NewFault("flow_output",
			fmt.Sprintf("has %d items; at most %d are allowed", len(items), envelope.MaxParts-1))
	}
	var parts []envelope.Part
	for i, item := range items {
		field := "flow_output." + strconv.Itoa(i)
		if f := firstFault(
			webhook.CheckLength(field+".content", item.Content, envelope.MaxTextBytes),
			webhook.CheckLength(field+".branch", item.Branch, maxLabelBytes),
			webhook.CheckLength(field+".from_component_name", item.Component, maxLabelBytes),
		); f != nil {
			return nil, f
		}
		if item.Content != "" {
			parts = append(parts, withLabels(envelope.TextPart(item.Content), item.Branch, item.Component))
		}
	}
	if answer == "" || isRepeated(answer, parts) {
		return parts, nil
	}
	return append([]envelope.Part{envelope.TextPart(answer)}, parts...), nil
}

// isRepeated reports whether answer equals one of the flow's parts or all of them joined. The caller then omits answer,
// because the parts have labels. Transcripts and written texts are compared separately.
func isRepeated(answer string, parts []envelope.Part) bool {
	var written, transcripts []string
	for i := range parts {
		if _, ok := parts[i].Attributes[attrAudio]; ok {
			transcripts = append(transcripts, parts[i].Text)
			continue
		}
		written = append(written, parts[i].Text)
	}
	return isOneOrAll(answer, written) || isOneOrAll(answer, transcripts)
}

func isOneOrAll(answer string, texts []string) bool {
	return slices.Contains(texts, answer) ||
		len(texts) > 0 && (strings.Join(texts, "") == answer || strings.Join(texts, "\n") == answer)
}

// outputParts returns the parts for output of v2. Audio without a link becomes its transcript. skipped lists audio
// with neither a link nor a transcript, and content other than text and audio.
func outputParts(v jsontext.Value) (parts []envelope.Part, skipped []string, f *webhook.Fault) {
	var items []output
	if f := webhook.DecodeJSON(v, &items, "output"); f != nil {
		return nil, nil, f
	}
	for i, item := range items {
		field := "output." + strconv.Itoa(i)
		if f := firstFault(
			webhook.CheckLength(field+".content.text", item.Content.Text, envelope.MaxTextBytes),
			webhook.CheckLength(field+".from_component_branch", item.Branch, maxLabelBytes),
			webhook.CheckLength(field+".from_component_name", item.Component, maxLabelBytes),
		); f != nil {
			return nil, nil, f
		}
		if item.Content.Text != "" {
			parts = append(parts, withLabels(envelope.TextPart(item.Content.Text), item.Branch, item.Component))
		}
		for j, audio := range item.Content.Audio {
			at := field + ".content.audio." + strconv.Itoa(j)
			if f := webhook.CheckLength(at+".transcript", audio.Transcript, envelope.MaxTextBytes); f != nil {
				return nil, nil, f
			}
			if part, ok := audioPart(audio.URL, audio.Transcript); ok {
				parts = append(parts, withLabels(part, item.Branch, item.Component))
			} else {
				skipped = append(skipped, "audio without a link")
			}
		}
		skipped = append(skipped, nonEmptyMembers(item.Content.Other)...)
	}
	if len(parts) > envelope.MaxParts {
		return nil, nil, webhook.NewFault("output",
			fmt.Sprintf("has %d texts and recordings; at most %d are allowed", len(parts), envelope.MaxParts))
	}
	return parts, skipped, nil
}

// nonEmptyMembers returns the sorted names of the members that are not empty.
func nonEmptyMembers(members map[string]jsontext.Value) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		switch string(members[name]) {
		case "null", `""`, "[]", "{}":
		default:
			names = append(names, "content."+name)
		}
	}
	return names
}

// audioPart returns the part for a recording. Without a link it is the transcript, marked by an attribute, because
// audio can only be sent as a link. It returns false if there is neither.
func audioPart(link, transcript string) (envelope.Part, bool) {
	switch {
	case isLink(link):
		return envelope.Part{Type: envelope.PartAudio, URL: link, Text: transcript}, true
	case transcript == "":
		return envelope.Part{}, false
	}
	p := envelope.TextPart(transcript)
	p.Attributes = map[string]string{attrAudio: "transcript"}
	return p, true
}

// firstFault returns the first fault, or nil.
func firstFault(faults ...*webhook.Fault) *webhook.Fault {
	for _, f := range faults {
		if f != nil {
			return f
		}
	}
	return nil
}

// withLabels adds a part's branch and component.
func withLabels(p envelope.Part, branch, component string) envelope.Part {
	if branch == "" && component == "" {
		return p
	}
	if p.Attributes == nil {
		p.Attributes = make(map[string]string, 2)
	}
	if branch != "" {
		p.Attributes[attrBranch] = branch
	}
	if component != "" {
		p.Attributes[attrComponent] = component
	}
	return p
}

// textParts splits a text into parts of the maximum size.
func textParts(s string) []envelope.Part {
	var parts []envelope.Part
	for _, piece := range text.Split(s, envelope.MaxTextBytes) {
		parts = append(parts, envelope.TextPart(piece))
	}
	return parts
}

func isLink(s string) bool {
	_, err := envelope.ParseLink(s)
	return err == nil
}
