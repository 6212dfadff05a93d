package render

import (
	"testing"

	"patchbay/sdk/envelope"
)

func TestPartText(t *testing.T) {
	for want, part := range map[string]envelope.Part{
		"hello":                     envelope.TextPart("hello"),
		"yes | no":                  {Type: envelope.PartSuggestions, Items: []string{"yes", "no"}},
		"[location] 1.5,2 here":     {Type: envelope.PartLocation, Latitude: 1.5, Longitude: 2, Text: "here"},
		"[file] a.pdf the contract": {Type: envelope.PartFile, Name: "a.pdf", Text: "the contract"},
		"[card] https://a/b":        {Type: envelope.PartCard, URL: "https://a/b"},
	} {
		if got := PartText(&part); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTextWithoutMediaKeepsCaptions(t *testing.T) {
	e := &envelope.Envelope{Parts: []envelope.Part{
		envelope.TextPart("see"), envelope.TextPart(" \u200b"), picture("my cat"),
		{Type: envelope.PartSuggestions, Items: []string{"a", "b"}}, picture(""), picture(" "),
	}}
	if got := TextWithoutMedia(e); got != "see\nmy cat\na | b" {
		t.Errorf("got %q", got)
	}
}

func TestIsLink(t *testing.T) {
	for address, want := range map[string]bool{
		"https://a/b": true, "HTTP://a": true, "https://": false, "file:///etc/passwd": false,
		"JavaScript:alert(1)": false, "": false,
	} {
		if got := IsLink(address); got != want {
			t.Errorf("IsLink(%q) = %v", address, got)
		}
	}
}

func TestTranscript(t *testing.T) {
	quoted := func(role, text string) envelope.Part {
		p := envelope.TextPart(text)
		p.Attributes = map[string]string{"role": role}
		return p
	}
	message := func(role envelope.Role, parts ...envelope.Part) *envelope.Envelope {
		return &envelope.Envelope{Kind: envelope.KindMessage, Sender: envelope.Sender{Role: role}, Parts: parts}
	}
	got := Transcript([]*envelope.Envelope{
		{Kind: envelope.KindHandoverRequested, Parts: []envelope.Part{
			quoted("customer", "hi"), quoted("customer", " \u200b"), quoted("bot", "hello"), quoted("tool", "looked up"), {Type: envelope.PartSuggestions},
		}},
		message(envelope.RoleCustomer, envelope.TextPart("see"), picture("my cat")),
		message(envelope.RoleAgent, envelope.TextPart("nice")),
		message(envelope.RoleSystem, envelope.TextPart("bye")),
	})
	const want = "Customer: hi\nAssistant: hello\nlooked up\nCustomer: see\n[image] a.png my cat\nAgent: nice\nSystem: bye"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := HandoverText(&envelope.Envelope{}); got != "" {
		t.Errorf("a handover request without parts has the text %q", got)
	}
}

func TestSpeakerFitsSpeakerBytes(t *testing.T) {
	for _, r := range []envelope.Role{
		envelope.RoleCustomer, envelope.RoleBot, envelope.RoleAgent, envelope.RoleSystem, "other",
	} {
		if n := len(speaker(r) + ": \n"); n > SpeakerBytes {
			t.Errorf("%s needs %d bytes, SpeakerBytes is %d", r, n, SpeakerBytes)
		}
	}
}
