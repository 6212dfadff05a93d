package recorded

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"patchbay/core/internal/config"
	"patchbay/core/internal/route"
)

// ParseFacts reads the facts of an input from a YAML or JSON file. The keys are the variables of conditions. Without
// role and owner_role, the roles of the channels count; without event, the input is a message.
func ParseFacts(path string, data []byte, channels route.Channels) (*Facts, []config.Problem) {
	root, problems := config.ReadYAML(path, data)
	f := &Facts{Event: string(route.EventMessage)}
	p := &factsParser{problems: problems, channels: channels}
	keys := p.keys(f)
	for _, v := range root.Children() {
		if read := keys[v.Name()]; read != nil {
			read(v)
			continue
		}
		p.problems = append(p.problems, v.UnknownKey(slices.Collect(maps.Keys(keys))))
	}
	if f.Role == "" {
		f.Role = string(channels[f.Channel])
	}
	if f.OwnerRole == "" {
		f.OwnerRole = string(channels[f.Owner])
	}
	if f.Channel == "" && len(p.problems) == 0 {
		p.problems = append(p.problems, root.Problem("the key channel is missing: the channel that the input is about"))
	}
	config.SortProblems(p.problems)
	return f, p.problems
}

type factsParser struct {
	problems []config.Problem
	channels route.Channels
}

// keys returns the function that reads each key.
func (p *factsParser) keys(f *Facts) map[string]func(config.Value) {
	return map[string]func(config.Value){
		"event": p.text(&f.Event), "channel": p.channel(&f.Channel), "role": p.text(&f.Role), "text": p.text(&f.Text),
		"parts": p.list(&f.Parts), "sender_id": p.text(&f.SenderID), "sender_name": p.text(&f.SenderName),
		"owner": p.channel(&f.Owner), "owner_role": p.text(&f.OwnerRole), "home": p.channel(&f.Home),
		"pending": p.channel(&f.Pending), "customer": p.channel(&f.Customer), "customer_id": p.text(&f.CustomerID),
		"age": p.duration(&f.Age), "silence": p.duration(&f.Silence), "after": p.duration(&f.After),
		"reason": p.text(&f.Reason), "closed": p.list(&f.Closed), "done": p.list(&f.Done),
		"handovers": func(v config.Value) {
			n, err := strconv.ParseInt(v.Text(), 10, 64)
			if f.Handovers = n; err != nil {
				p.bad(v, "must be a whole number")
			}
		},
		"now": func(v config.Value) {
			var err error
			if f.Now, err = time.Parse(time.RFC3339, v.Text()); err != nil {
				p.bad(v, "must be a time such as 2026-03-02T18:00:00+01:00")
			}
		},
		"attributes": func(v config.Value) {
			if f.Attributes = map[string]string{}; !v.IsMapping() {
				p.bad(v, "must be a mapping, not "+v.Kind())
			}
			for _, child := range v.Children() {
				var s string
				p.text(&s)(child)
				f.Attributes[child.Name()] = s
			}
		},
	}
}

func (p *factsParser) bad(v config.Value, message string) {
	p.problems = append(p.problems, v.Problem(message))
}

func (p *factsParser) text(to *string) func(config.Value) {
	return func(v config.Value) {
		if *to = v.Text(); !v.IsText() {
			p.bad(v, "must be a text, not "+v.Kind())
		}
	}
}

func (p *factsParser) list(to *[]string) func(config.Value) {
	return func(v config.Value) {
		items := v.Children()
		if !v.IsList() {
			items = []config.Value{v}
		}
		for _, item := range items {
			var s string
			p.text(&s)(item)
			*to = append(*to, s)
		}
	}
}

func (p *factsParser) channel(to *string) func(config.Value) {
	return func(v config.Value) {
		p.text(to)(v)
		if _, known := p.channels[*to]; v.IsText() && *to != "" && !known {
			p.problems = append(p.problems, v.UnknownName("channel", slices.Collect(maps.Keys(p.channels))))
		}
	}
}

func (p *factsParser) duration(to *string) func(config.Value) {
	return func(v config.Value) {
		p.text(to)(v)
		if _, err := time.ParseDuration(*to); v.IsText() && err != nil {
			p.bad(v, "must be a duration, such as 30s or 10m")
		}
	}
}
