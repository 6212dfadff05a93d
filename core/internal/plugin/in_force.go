package plugin

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"patchbay/sdk/protocol/pluginpb"
)

// The gateway builds its routes, lanes and rules from the first description of an adapter. So the description and the
// channels are in force as long as the Host exists, and every later process must agree with them. A reload of the
// configuration makes another Host.

// channelInForce is a channel whose configuration was accepted.
type channelInForce struct {
	config   *pluginpb.ChannelConfig
	response *pluginpb.ConfigureResponse
	faults   int // processes in a row that ended or hung while they were configured with it
}

// maxConfigureFaults is the number of faults after which a channel is no longer configured, for the sake of the others.
const maxConfigureFaults = 2

// Adopt puts a description into force, unless one is in force already. d is the description of the first process, or
// the kept description of an earlier gateway.
func (h *Host) Adopt(d *pluginpb.DescribeResponse) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.description == nil {
		h.description = d
	}
}

// AdoptChannel puts a channel into force that the running process has refused, or that no process has accepted yet.
// The channel accepts calls when a later process accepts it. The caller must not change c and resp afterwards.
func (h *Host) AdoptChannel(c *pluginpb.ChannelConfig, resp *pluginpb.ConfigureResponse, refusal string) {
	h.mu.Lock()
	h.storeChannel(c, resp)
	description, s := h.description, h.session.Load()
	h.mu.Unlock()
	h.redactor.addSettings(description.GetSettingsSchema(), c.GetSettings())
	if s != nil {
		s.markRefused(c.GetName(), refusal)
	}
}

// Serves reports whether the running process serves a channel. It returns true without a process.
func (h *Host) Serves(channel string) bool {
	s := h.session.Load()
	return s == nil || s.checkServed(channel) == nil
}

// storeChannel puts a channel into force. The caller holds the lock.
func (h *Host) storeChannel(c *pluginpb.ChannelConfig, resp *pluginpb.ConfigureResponse) {
	if i := h.channelIndex(c.GetName()); i >= 0 {
		h.channels[i] = &channelInForce{config: c, response: resp}
		return
	}
	h.channels = append(h.channels, &channelInForce{config: c, response: resp})
}

// channelIndex returns the index of a channel in force, or -1. The caller holds the lock.
func (h *Host) channelIndex(name string) int {
	return slices.IndexFunc(h.channels, func(c *channelInForce) bool { return c.config.GetName() == name })
}

// inForce returns the description and the channels in force.
func (h *Host) inForce() (*pluginpb.DescribeResponse, []*channelInForce) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.description, slices.Clone(h.channels)
}

// countFault counts a fault of a channel's configuration, or clears the count.
func (h *Host) countFault(c *channelInForce, fault bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.faults++; !fault {
		c.faults = 0
	}
}

func (h *Host) faults(c *channelInForce) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return c.faults
}

// forgetFaults lets the next process try all channels again.
func (h *Host) forgetFaults() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.channels {
		c.faults = 0
	}
}

// checkDescription compares a new process with the description in force. Its version, the explanations of its settings,
// and the names that rules can use may differ.
func (h *Host) checkDescription(d *pluginpb.DescribeResponse) error {
	current, channels := h.inForce()
	if current == nil {
		return nil
	}
	if list := differences(current, d, "version", "vendor", "settings_schema", "event_reasons", "attributes"); len(list) > 0 {
		return changedError("another description (%s)", strings.Join(list, ", "))
	}
	if h.opts.Complete == nil || bytes.Equal(current.GetSettingsSchema(), d.GetSettingsSchema()) {
		return nil
	}
	for _, c := range channels {
		complete, err := h.opts.Complete(c.config.GetName(), d.GetSettingsSchema())
		if err != nil {
			return changedError("other settings (%w)", err)
		}
		if !bytes.Equal(complete, c.config.GetSettings()) {
			return changedError("other default settings for channel %s", c.config.GetName())
		}
	}
	return nil
}

// check compares a response with the one in force.
func (c *channelInForce) check(resp *pluginpb.ConfigureResponse) error {
	if list := differences(c.response, resp); len(list) > 0 {
		return changedError("another endpoint of channel %s (%s)", c.config.GetName(), strings.Join(list, ", "))
	}
	return nil
}

func changedError(format string, args ...any) error {
	return endedBy(reasonChanged, "the program has "+format+" than the one in force; run `patchbay reload` to use this "+
		"program, or install the previous one", args...)
}

// differences returns the names of the fields in which two messages of one type differ. The order of webhook paths
// does not matter.
func differences(a, b proto.Message, ignore ...protoreflect.Name) []string {
	var out []string
	x, y := withSortedPaths(a).ProtoReflect(), withSortedPaths(b).ProtoReflect()
	fields := x.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !slices.Contains(ignore, f.Name()) && !x.Get(f).Equal(y.Get(f)) {
			out = append(out, string(f.Name()))
		}
	}
	return out
}

func withSortedPaths(m proto.Message) proto.Message {
	r, ok := m.(*pluginpb.ConfigureResponse)
	if !ok {
		return m
	}
	r = proto.CloneOf(r)
	slices.SortFunc(r.GetPaths(), func(a, b *pluginpb.Path) int { return strings.Compare(a.GetPattern(), b.GetPattern()) })
	return r
}

// refuse logs and marks a channel that the process does not serve.
func (s *session) refuse(channel, text string) {
	s.log.Error("adapter refused the channel", "channel", channel, "error", text)
	s.markRefused(channel, text)
}

func (s *session) markRefused(channel, text string) {
	s.mu.Lock()
	if s.refused == nil {
		s.refused = map[string]string{}
	}
	s.refused[channel] = text
	s.mu.Unlock()
	s.reportUnhealthy()
}

// checkServed returns an error if the process does not serve the channel.
func (s *session) checkServed(channel string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text, refused := s.refused[channel]; refused {
		return fmt.Errorf("%w: %s refused channel %s: %s", ErrNotReady, s.host.opts.Name, channel, text)
	}
	return nil
}

// servedChannels returns the channels that the process serves, or an error if there are none.
func (s *session) servedChannels(channels []string) ([]string, error) {
	s.mu.Lock()
	all := len(s.refused) == 0
	s.mu.Unlock()
	if all {
		return channels, nil
	}
	var out []string
	var err error
	for _, c := range channels {
		if refused := s.checkServed(c); refused != nil {
			err = refused
			continue
		}
		out = append(out, c)
	}
	if len(out) > 0 {
		err = nil
	}
	return out, err
}

// configureAll applies configurations, except those that were applied before. If the adapter refuses a configuration or
// hangs, or if the configuration has ended maxConfigureFaults processes in a row, only this channel has no service.
func (s *session) configureAll(channels []*channelInForce, step func(func(context.Context) error) error) error {
	for _, c := range channels {
		if slices.Contains(s.configured, c) {
			continue
		}
		name := c.config.GetName()
		if s.host.faults(c) >= maxConfigureFaults {
			s.refuse(name, "its configuration broke the adapter repeatedly; run `patchbay adapter restart` to try it again")
			continue
		}
		err := step(func(ctx context.Context) error { return s.configure(ctx, c) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *session) configure(ctx context.Context, c *channelInForce) error {
	name := c.config.GetName()
	resp, err := s.rpc.Configure(ctx, &pluginpb.ConfigureRequest{Channel: c.config})
	switch e := resp.GetError(); {
	case status.Code(err) == codes.DeadlineExceeded:
		s.host.countFault(c, true)
		s.refuse(name, "the call to configure it hangs")
	case err != nil:
		s.host.countFault(c, true)
		return endedBy(reasonStart, "configure channel %s: %w", name, err)
	case e != nil:
		s.host.countFault(c, false)
		s.refuse(name, "the configuration that an earlier process accepted is refused: "+shortText(e.GetText()))
	default:
		s.host.countFault(c, false)
		return c.check(resp)
	}
	return nil
}
