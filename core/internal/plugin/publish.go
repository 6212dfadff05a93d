package plugin

import (
	"context"
	"slices"
)

// publish makes a session accept calls, unless a description or configuration came into force that its process has not
// been checked against.
func (h *Host) publish(s *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	current := h.description == s.agreed && slices.Equal(h.channels, s.configured)
	if current {
		h.session.Store(s)
	}
	return current
}

// applyInForce compares the process with the description in force, and applies the configurations in force that it does
// not have yet.
func (s *session) applyInForce(step func(func(context.Context) error) error) error {
	description, channels := s.host.inForce()
	if err := s.host.checkDescription(s.description); err != nil {
		return err
	}
	if err := s.configureAll(channels, step); err != nil {
		return err
	}
	s.agreed, s.configured = description, channels
	return nil
}
