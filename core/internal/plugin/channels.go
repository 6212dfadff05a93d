package plugin

import (
	"context"
	"errors"
	"fmt"

	"patchbay/sdk/protocol/pluginpb"
)

// Describe waits for a process and returns its description. The first description comes into force; a later one can
// differ from it in the fields that checkDescription ignores.
func (h *Host) Describe(ctx context.Context) (*pluginpb.DescribeResponse, error) {
	s, err := h.await(ctx)
	if err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	h.Adopt(s.description)
	return s.description, nil
}

// Validate returns the problems of a channel's settings that the schema cannot express.
func (h *Host) Validate(ctx context.Context, c *pluginpb.ChannelConfig) ([]*pluginpb.Problem, error) {
	var out []*pluginpb.Problem
	err := h.call(ctx, "validate "+c.GetName(), func(s *session) error {
		h.redactor.addSettings(s.description.GetSettingsSchema(), c.GetSettings())
		resp, err := s.rpc.Validate(ctx, &pluginpb.ValidateRequest{Channel: c})
		out = resp.GetProblems()
		return err
	})
	return out, err
}

// Configure applies a channel's configuration. If the adapter accepts it, the Host stores it together with the
// response, instead of an earlier configuration of this channel. It applies the stored configuration to every later
// process before that process accepts calls. A refusal is in the response's Error. The caller must not change c
// afterwards.
func (h *Host) Configure(ctx context.Context, c *pluginpb.ChannelConfig) (*pluginpb.ConfigureResponse, error) {
	var out *pluginpb.ConfigureResponse
	for {
		var configured *session
		err := h.call(ctx, "configure "+c.GetName(), func(s *session) (err error) {
			configured = s
			h.redactor.addSettings(s.description.GetSettingsSchema(), c.GetSettings())
			out, err = s.rpc.Configure(ctx, &pluginpb.ConfigureRequest{Channel: c})
			return err
		})
		if err != nil || out.GetError() != nil {
			return out, err
		}
		h.mu.Lock()
		h.storeChannel(c, out)
		h.mu.Unlock()
		// A process that started meanwhile may have read the list before this channel was on it.
		if h.session.Load() == configured || ctx.Err() != nil {
			return out, nil
		}
	}
}

// call makes a unary call on the current process, and once more on the next one if the process ends during the call.
func (h *Host) call(ctx context.Context, op string, f func(*session) error) error {
	for attempt := 1; ; attempt++ {
		s, err := h.await(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
		if err = f(s); err == nil {
			return nil
		}
		if ctx.Err() == nil && attempt == 1 && isConnectionLost(err) && s.awaitRetired(ctx) {
			continue
		}
		return fmt.Errorf("%s: adapter %s: %w", op, h.opts.Name, errors.Join(err, context.Cause(ctx)))
	}
}
