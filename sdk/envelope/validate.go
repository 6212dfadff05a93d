package envelope

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

var kinds = map[Kind]bool{
	KindMessage: true, KindEcho: true, KindConnected: true, KindDisconnected: true, KindHandoverRequested: true,
	KindRead: true, KindTyping: true, KindDelivered: true, KindFailed: true, KindUnparsed: true,
	KindPassed: true, KindClosed: true,
}

var partTypes = map[PartType]bool{
	PartText: true, PartImage: true, PartAudio: true, PartVideo: true, PartFile: true,
	PartLocation: true, PartCard: true, PartSuggestions: true,
}

var senderRoles = map[Role]bool{
	RoleCustomer: true, RoleBot: true, RoleAgent: true, RoleObserver: true, RoleSystem: true,
}

// Validate returns all errors of an envelope from an adapter, joined, each with the name of the field. It does not
// check the fields that the gateway sets.
func (e *Envelope) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if e.Channel == "" {
		bad("channel: missing")
	}
	if e.Thread == "" {
		bad("thread: missing")
	}
	if len(e.Thread) > MaxThreadBytes {
		bad("thread: %d bytes, at most %d", len(e.Thread), MaxThreadBytes)
	}
	if len(e.VendorID) > MaxIDBytes {
		bad("vendor_id: %d bytes, at most %d", len(e.VendorID), MaxIDBytes)
	}
	if !kinds[e.Kind] {
		bad("kind: unknown %q", e.Kind)
	}
	if !senderRoles[e.Sender.Role] {
		bad("sender.role: unknown %q", e.Sender.Role)
	}
	if len(e.Sender.ID) > MaxIDBytes || len(e.Sender.Name) > MaxIDBytes {
		bad("sender: id and name take at most %d bytes each", MaxIDBytes)
	}
	if e.Kind == KindMessage && len(e.Parts) == 0 {
		bad("parts: a message needs at least one")
	}
	if len(e.Parts) > MaxParts {
		bad("parts: %d, at most %d", len(e.Parts), MaxParts)
	}
	for i := range e.Parts {
		if err := e.Parts[i].validate(); err != nil {
			bad("parts[%d]: %w", i, err)
		}
	}
	if len(e.RefersTo) > MaxReferences {
		bad("refers_to: %d, at most %d", len(e.RefersTo), MaxReferences)
	}
	if err := validateAttributes(e.Attributes); err != nil {
		bad("attributes: %w", err)
	}
	if len(e.Raw) > MaxRawBytes {
		bad("raw: %d bytes, at most %d", len(e.Raw), MaxRawBytes)
	}
	return errors.Join(errs...)
}

func (p *Part) validate() error {
	if !partTypes[p.Type] {
		return fmt.Errorf("type: unknown %q", p.Type)
	}
	if len(p.Text) > MaxTextBytes {
		return fmt.Errorf("text: %d bytes, at most %d", len(p.Text), MaxTextBytes)
	}
	if !utf8.ValidString(p.Text) {
		return errors.New("text: not valid UTF-8")
	}
	if p.Type == PartText && p.Text == "" {
		return errors.New("text: empty")
	}
	return validateAttributes(p.Attributes)
}

func validateAttributes(attrs map[string]string) error {
	if len(attrs) > MaxAttributes {
		return fmt.Errorf("%d, at most %d", len(attrs), MaxAttributes)
	}
	for k, v := range attrs {
		if k == "" {
			return errors.New("a name is empty")
		}
		if len(k)+len(v) > MaxAttributeBytes {
			return fmt.Errorf("%.40q: %d bytes, at most %d", k, len(k)+len(v), MaxAttributeBytes)
		}
	}
	return nil
}
