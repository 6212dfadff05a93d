package recorded

import (
	"bytes"
	"fmt"
	"time"

	"go.yaml.in/yaml/v4"
)

// The types of a file of conversation tests, in the order of their keys. See package conversationtest.
type (
	yamlFile struct {
		Config string     `yaml:"config"`
		Start  string     `yaml:"start"`
		Tests  []yamlTest `yaml:"tests"`
	}
	yamlTest struct {
		Name  string     `yaml:"name"`
		Steps []yamlStep `yaml:"steps"`
	}
	yamlStep struct {
		After      string            `yaml:"after,omitempty"`
		Channel    string            `yaml:"channel,omitempty"`
		Calls      string            `yaml:"calls,omitempty"`
		Operator   string            `yaml:"operator,omitempty"`
		To         string            `yaml:"to,omitempty"`
		From       string            `yaml:"from,omitempty"`
		Thread     int               `yaml:"thread,omitempty"`
		Event      string            `yaml:"event,omitempty"`
		Reason     string            `yaml:"reason,omitempty"`
		Text       string            `yaml:"text,omitempty"`
		Parts      []string          `yaml:"parts,omitempty,flow"`
		SenderID   string            `yaml:"sender_id,omitempty"`
		SenderName string            `yaml:"sender_name,omitempty"`
		SenderRole string            `yaml:"sender_role,omitempty"`
		Attributes map[string]string `yaml:"attributes,omitempty"`
		Expect     *yamlExpect       `yaml:"expect,omitempty"`
	}
	yamlExpect struct {
		Rules   []string `yaml:"rules,flow"`
		Owner   string   `yaml:"owner,omitempty"`
		Offer   *string  `yaml:"offer,omitempty"`
		Message string   `yaml:"message,omitempty"`
		Closed  string   `yaml:"closed,omitempty"`
		Dead    []string `yaml:"dead,omitempty,flow"`
	}
)

// OmittedPrefix begins the comment of each cause that an exported test does not repeat.
const OmittedPrefix = "# - "

// YAML returns the file. Comments at its beginning list the causes that the test does not repeat. Config is the path of
// the configuration. YAML returns nil if the records do not have the beginning of the conversation.
func (x *Export) YAML(config string) ([]byte, error) {
	if len(x.steps) == 0 {
		return nil, nil
	}
	t := yamlTest{Name: x.name()}
	before := x.started
	for _, s := range x.steps {
		t.Steps = append(t.Steps, s.before...)
		step := s.step
		if wait := s.at.Sub(before).Round(time.Millisecond); wait > 0 {
			step.After = wait.String()
			before = before.Add(wait)
		}
		rules := s.rules
		if rules == nil {
			rules = []string{}
		}
		step.Expect = &yamlExpect{
			Rules: rules, Owner: s.owner, Offer: s.offer, Message: s.message, Closed: s.closed, Dead: s.dead,
		}
		t.Steps = append(append(t.Steps, step), s.after...)
	}
	var out bytes.Buffer
	if x.Texts {
		out.WriteString("# Exported with the texts of a real conversation, which are personal data.\n")
	} else {
		out.WriteString("# Exported from a real conversation. Placeholders replace its texts and names.\n")
	}
	if len(x.omitted) > 0 {
		out.WriteString("# The test is not exact. It does not repeat:\n")
	}
	for _, cause := range x.omitted {
		out.WriteString(OmittedPrefix + cause + "\n")
	}
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	start := x.started.Truncate(time.Millisecond).Format(time.RFC3339Nano)
	f := yamlFile{Config: config, Start: start, Tests: []yamlTest{t}}
	if err := enc.Encode(&f); err != nil {
		return nil, fmt.Errorf("encode the conversation test: %w", err)
	}
	return out.Bytes(), nil
}
