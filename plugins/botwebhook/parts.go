package main

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// Attributes of parts: where in a flow they come from.
const (
	attrBranch    = "branch"
	attrComponent = "component"
)

// maxLabelBytes bounds names of branches and components.
const maxLabelBytes = 1 << 10

// flowParts reads text and flow_output of v1. Both may say the same; then the flow's parts are kept, since
// they tell where they come from. If they differ, both are.
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
	var contents []string
	for i, item := range items {
		field := "flow_output." + strconv.Itoa(i)
		if f := first(
			short(field+".content", item.Content, envelope.MaxTextBytes),
			short(field+".branch", item.Branch, maxLabelBytes),
			short(field+".from_component_name", item.Component, maxLabelBytes),
		); f != nil {
			return nil, f
		}
		if item.Content == "" {
			continue
		}
		contents = append(contents, item.Content)
		parts = append(parts, labelled(envelope.TextPart(item.Content), item.Branch, item.Component))
	}
	if said == "" || slices.Contains(contents, said) ||
		strings.Join(contents, "") == said || strings.Join(contents, "\n") == said {
		return parts, nil
	}
	return append([]envelope.Part{envelope.TextPart(said)}, parts...), nil
}

// outputParts reads output of v2. Audio that has no link is told by its transcript; skipped is true if there
// was audio with neither.
func outputParts(v jsontext.Value) (parts []envelope.Part, skipped bool, f *webhook.Fault) {
	var items []output
	if f := webhook.DecodeJSON(v, &items, "output"); f != nil {
		return nil, false, f
	}
	for i, item := range items {
		field := "output." + strconv.Itoa(i)
		if f := first(
			short(field+".content.text", item.Content.Text, envelope.MaxTextBytes),
			short(field+".from_component_branch", item.Branch, maxLabelBytes),
			short(field+".from_component_name", item.Component, maxLabelBytes),
		); f != nil {
			return nil, false, f
		}
		if item.Content.Text != "" {
			parts = append(parts, labelled(envelope.TextPart(item.Content.Text), item.Branch, item.Component))
		}
		for j, audio := range item.Content.Audio {
			at := field + ".content.audio." + strconv.Itoa(j)
			if f := short(at+".transcript", audio.Transcript, envelope.MaxTextBytes); f != nil {
				return nil, false, f
			}
			switch {
			case isLink(audio.URL):
				part := envelope.Part{Type: envelope.PartAudio, URL: audio.URL, Text: audio.Transcript}
				parts = append(parts, labelled(part, item.Branch, item.Component))
			case audio.Transcript != "":
				parts = append(parts, labelled(envelope.TextPart(audio.Transcript), item.Branch, item.Component))
			default:
				skipped = true
			}
		}
	}
	if len(parts) > envelope.MaxParts {
		return nil, false, webhook.NewFault("output", fmt.Sprintf("%d texts and recordings, at most %d", len(parts), envelope.MaxParts))
	}
	return parts, skipped, nil
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
	p.Attributes = make(map[string]string, 2)
	if branch != "" {
		p.Attributes[attrBranch] = branch
	}
	if component != "" {
		p.Attributes[attrComponent] = component
	}
	return p
}

func isLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
