package main

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// Attributes of parts.
const (
	attrBranch    = "branch"    // where in a flow it comes from
	attrComponent = "component" // the same
	attrAudio     = "audio"     // transcript: the text is what a recording says that could not be passed on
)

// maxLabelBytes bounds names of branches and components.
const maxLabelBytes = 1 << 10

// flowParts reads text and flow_output of v1.
func flowParts(words, flow jsontext.Value) ([]envelope.Part, *webhook.Fault) {
	said, f := webhook.TextJSON(words, "text")
	if f != nil {
		return nil, f
	}
	if f := short("text", said, envelope.MaxTextBytes); f != nil {
		return nil, f
	}
	var items []flowOutput
	if len(flow) > 0 {
		if f := webhook.DecodeJSON(flow, &items, "flow_output"); f != nil {
			return nil, f
		}
	}
	if len(items) >= envelope.MaxParts {
		return nil, webhook.NewFault("flow_output", fmt.Sprintf("%d items, at most %d", len(items), envelope.MaxParts-1))
	}
	var parts []envelope.Part
	for i, item := range items {
		field := "flow_output." + strconv.Itoa(i)
		if f := first(
			short(field+".content", item.Content, envelope.MaxTextBytes),
			short(field+".branch", item.Branch, maxLabelBytes),
			short(field+".from_component_name", item.Component, maxLabelBytes),
		); f != nil {
			return nil, f
		}
		if item.Content != "" {
			parts = append(parts, labelled(envelope.TextPart(item.Content), item.Branch, item.Component))
		}
	}
	if said == "" || repeats(said, parts) {
		return parts, nil
	}
	return append([]envelope.Part{envelope.TextPart(said)}, parts...), nil
}

// repeats reports whether words say the same as one of a flow's parts, or as all. Then the flow's are kept, since they
// tell where they come from. What recordings say is compared apart from what is written.
func repeats(said string, parts []envelope.Part) bool {
	var written, spoken []string
	for i := range parts {
		if _, transcript := parts[i].Attributes[attrAudio]; transcript {
			spoken = append(spoken, parts[i].Text)
			continue
		}
		written = append(written, parts[i].Text)
	}
	return isOneOrAll(said, written) || isOneOrAll(said, spoken)
}

func isOneOrAll(said string, texts []string) bool {
	return slices.Contains(texts, said) ||
		len(texts) > 0 && (strings.Join(texts, "") == said || strings.Join(texts, "\n") == said)
}

// outputParts reads output of v2. Audio that has no link is told by its transcript; skipped names what could not be taken
// over: audio with neither, and content that is neither text nor audio.
func outputParts(v jsontext.Value) (parts []envelope.Part, skipped []string, f *webhook.Fault) {
	var items []output
	if f := webhook.DecodeJSON(v, &items, "output"); f != nil {
		return nil, nil, f
	}
	for i, item := range items {
		field := "output." + strconv.Itoa(i)
		if f := first(
			short(field+".content.text", item.Content.Text, envelope.MaxTextBytes),
			short(field+".from_component_branch", item.Branch, maxLabelBytes),
			short(field+".from_component_name", item.Component, maxLabelBytes),
		); f != nil {
			return nil, nil, f
		}
		if item.Content.Text != "" {
			parts = append(parts, labelled(envelope.TextPart(item.Content.Text), item.Branch, item.Component))
		}
		for j, audio := range item.Content.Audio {
			at := field + ".content.audio." + strconv.Itoa(j)
			if f := short(at+".transcript", audio.Transcript, envelope.MaxTextBytes); f != nil {
				return nil, nil, f
			}
			if part, ok := recording(audio.URL, audio.Transcript); ok {
				parts = append(parts, labelled(part, item.Branch, item.Component))
			} else {
				skipped = append(skipped, "audio without a link")
			}
		}
		skipped = append(skipped, present(item.Content.Other)...)
	}
	if len(parts) > envelope.MaxParts {
		return nil, nil, webhook.NewFault("output",
			fmt.Sprintf("%d texts and recordings, at most %d", len(parts), envelope.MaxParts))
	}
	return parts, skipped, nil
}

// present returns the names of the members that hold something, in order.
func present(members map[string]jsontext.Value) []string {
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

// recording returns a recording as a part. Audio travels by reference: where there is only its content, what it says
// stands for it, marked. It returns false if that is not known either.
func recording(link, transcript string) (envelope.Part, bool) {
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

func first(faults ...*webhook.Fault) *webhook.Fault {
	for _, f := range faults {
		if f != nil {
			return f
		}
	}
	return nil
}

// labelled adds where in a flow a part comes from.
func labelled(p envelope.Part, branch, component string) envelope.Part {
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

// texts returns words as text parts that are each within the limit of one. None is empty.
func texts(words string) []envelope.Part {
	var parts []envelope.Part
	for words != "" {
		head := clip(words, envelope.MaxTextBytes)
		parts = append(parts, envelope.TextPart(head))
		words = words[len(head):]
	}
	return parts
}

// clip cuts s after at most this many bytes, between characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// maxLinkBytes bounds links that are passed on.
const maxLinkBytes = 8 << 10

func isLink(s string) bool {
	if len(s) > maxLinkBytes {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
