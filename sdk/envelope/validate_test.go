package envelope

import (
	"fmt"
	"strings"
	"testing"
)

func valid() *Envelope {
	return &Envelope{
		Channel: "web", Thread: "t", VendorID: "m1", Kind: KindMessage, Sender: Sender{Role: RoleCustomer, ID: "u1", Name: "Ada"},
		Parts: []Part{TextPart("hello")}, Attributes: map[string]string{"page": "/prices"},
	}
}

// attributes returns n attributes of size bytes each.
func attributes(n, size int) map[string]string {
	out := map[string]string{}
	for i := range n {
		name := fmt.Sprintf("%02d", i)
		out[name] = strings.Repeat("x", size-len(name))
	}
	return out
}

func TestValidateAcceptsEnvelopesAtTheLimits(t *testing.T) {
	for name, change := range map[string]func(*Envelope){
		"as is":        func(*Envelope) {},
		"thread":       func(e *Envelope) { e.Thread = strings.Repeat("t", MaxThreadBytes) },
		"vendor id":    func(e *Envelope) { e.VendorID = strings.Repeat("v", MaxIDBytes) },
		"no vendor id": func(e *Envelope) { e.VendorID = "" },
		"sender": func(e *Envelope) {
			e.Sender.ID, e.Sender.Name = strings.Repeat("i", MaxIDBytes), strings.Repeat("n", MaxIDBytes)
		},
		"parts":           func(e *Envelope) { e.Parts = make([]Part, MaxParts); fill(e.Parts, TextPart("x")) },
		"text":            func(e *Envelope) { e.Parts[0].Text = strings.Repeat("x", MaxTextBytes) },
		"medium":          func(e *Envelope) { e.Parts = []Part{{Type: PartImage, Ref: "r"}} },
		"event":           func(e *Envelope) { e.Kind, e.Parts = KindTyping, nil },
		"references":      func(e *Envelope) { e.RefersTo = make([]string, MaxReferences) },
		"attributes":      func(e *Envelope) { e.Attributes = attributes(MaxAttributes, MaxAttributeBytes) },
		"part attributes": func(e *Envelope) { e.Parts[0].Attributes = attributes(MaxAttributes, MaxAttributeBytes) },
		"raw":             func(e *Envelope) { e.Raw = make([]byte, MaxRawBytes) },
	} {
		t.Run(name, func(t *testing.T) {
			e := valid()
			change(e)
			if err := e.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

func fill(parts []Part, p Part) {
	for i := range parts {
		parts[i] = p
	}
}

func TestValidateNamesTheInvalidField(t *testing.T) {
	for want, change := range map[string]func(*Envelope){
		"channel: missing":                        func(e *Envelope) { e.Channel = "" },
		"thread: missing":                         func(e *Envelope) { e.Thread = "" },
		"thread: 513 bytes, at most 512":          func(e *Envelope) { e.Thread = strings.Repeat("t", MaxThreadBytes+1) },
		"vendor_id: 257 bytes, at most 256":       func(e *Envelope) { e.VendorID = strings.Repeat("v", MaxIDBytes+1) },
		`kind: unknown "greeting"`:                func(e *Envelope) { e.Kind = "greeting" },
		`sender.role: unknown "ghost"`:            func(e *Envelope) { e.Sender.Role = "ghost" },
		"sender: id and name take at most 256":    func(e *Envelope) { e.Sender.Name = strings.Repeat("n", MaxIDBytes+1) },
		"parts: a message needs at least one":     func(e *Envelope) { e.Parts = nil },
		"parts: 65, at most 64":                   func(e *Envelope) { e.Parts = make([]Part, MaxParts+1); fill(e.Parts, TextPart("x")) },
		`parts[0]: type: unknown "hologram"`:      func(e *Envelope) { e.Parts[0].Type = "hologram" },
		"parts[0]: text: 65537 bytes, at most":    func(e *Envelope) { e.Parts[0].Text = strings.Repeat("x", MaxTextBytes+1) },
		"parts[0]: text: not valid UTF-8":         func(e *Envelope) { e.Parts[0].Text = "\xff" },
		"parts[0]: text: empty":                   func(e *Envelope) { e.Parts[0].Text = "" },
		"parts[1]: 65, at most 64":                func(e *Envelope) { e.Parts = append(e.Parts, Part{Type: PartFile, Attributes: attributes(65, 9)}) },
		"refers_to: 65, at most 64":               func(e *Envelope) { e.RefersTo = make([]string, MaxReferences+1) },
		"attributes: 65, at most 64":              func(e *Envelope) { e.Attributes = attributes(65, 9) },
		`attributes: "00": 4097 bytes, at most`:   func(e *Envelope) { e.Attributes = attributes(1, MaxAttributeBytes+1) },
		"attributes: a name is empty":             func(e *Envelope) { e.Attributes = map[string]string{"": "x"} },
		"raw: 65537 bytes, at most 65536":         func(e *Envelope) { e.Raw = make([]byte, MaxRawBytes+1) },
		"channel: missing\nthread: missing\nkind": func(e *Envelope) { *e = Envelope{Sender: e.Sender} },
	} {
		t.Run(want, func(t *testing.T) {
			e := valid()
			change(e)
			if err := e.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("Validate = %v, want %s", err, want)
			}
		})
	}
}

func TestValidateIgnoresFieldsOfTheGateway(t *testing.T) {
	e := valid()
	e.ID, e.Conversation, e.Cause, e.Hops = strings.Repeat("x", 1000), strings.Repeat("x", 1000), strings.Repeat("x", 1000), -1
	if err := e.Validate(); err != nil {
		t.Error(err)
	}
}

func TestTextJoinsTextParts(t *testing.T) {
	e := &Envelope{Parts: []Part{
		TextPart("one"), {Type: PartImage, Text: "caption"}, {Type: PartText}, TextPart("two\nlines"),
	}}
	if got := e.Text(); got != "one\ntwo\nlines" {
		t.Errorf("Text = %q", got)
	}
	if got := (&Envelope{}).Text(); got != "" {
		t.Errorf("Text without parts = %q", got)
	}
}
