package conformance

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"patchbay/sdk/protocol/pluginpb"
	"patchbay/sdk/settings"
	"patchbay/sdk/settings/validate"
)

// subject is a running adapter with a configured channel and its two streams.
type subject struct {
	*process
	rpc      pluginpb.PluginServiceClient
	cancel   context.CancelFunc // ends the streams
	receive  *stream[*pluginpb.ReceiveCall, *pluginpb.ReceiveResult]
	deliver  *stream[*pluginpb.DeliverCall, *pluginpb.DeliverResult]
	desc     *pluginpb.DescribeResponse
	endpoint *pluginpb.ConfigureResponse
	schema   *validate.Validator
	invalid  error          // why the schema can't be used
	settings map[string]any // of the channel, with defaults
}

// startSubject launches the adapter, describes it, and configures the channel for the vendor. Faults of the description
// and a refused configuration are left to the checks.
func (p *probe) startSubject() error {
	p.subject = nil
	proc, err := launch(p.o, p.witness.said)
	if err != nil {
		return err
	}
	s := &subject{process: proc, rpc: pluginpb.NewPluginServiceClient(proc.conn), cancel: func() {}}
	if err := p.prepare(s); err != nil {
		s.close()
		return fmt.Errorf("%w%s", err, lastWords(p.witness.said))
	}
	p.subject = s
	return nil
}

func (p *probe) prepare(s *subject) (err error) {
	limited, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	if s.desc, err = s.rpc.Describe(limited, &pluginpb.DescribeRequest{GatewayVersion: "conformance"}); err != nil {
		return fmt.Errorf("describe: %w", err)
	}
	if s.schema, s.invalid = validate.Compile(s.desc.GetSettingsSchema()); s.invalid != nil {
		s.schema = &validate.Validator{Schema: &settings.Schema{}}
	}
	if s.settings, err = fillSettings(s.schema.Schema, p.data.Settings, p.vendor.base); err != nil {
		return err
	}
	p.witness.know(s.secrets()...)
	c := &pluginpb.ConfigureRequest{Channel: p.config(s.settings)}
	if s.endpoint, err = s.rpc.Configure(limited, c); err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	p.witness.hear("an error of Configure", s.endpoint.GetError().GetText())
	return s.openStreams()
}

// fillSettings returns settings with the defaults of a schema and the address of the fault server: in the required
// addresses that are left out, and in place of vendorMark.
func fillSettings(s *settings.Schema, given map[string]any, base string) (map[string]any, error) {
	out := map[string]any{}
	text, err := json.Marshal(given)
	if err == nil && given != nil {
		err = json.Unmarshal([]byte(strings.ReplaceAll(string(text), vendorMark, base)), &out)
	}
	if err != nil {
		return nil, fmt.Errorf("read settings of the test data: %w", err)
	}
	for p := range s.All() {
		value, _ := valueAt(out, p.Name()).(string)
		switch {
		case !p.Address:
		case value == "" && p.Required:
			out = withSetting(out, p.Path, base)
		case value != "" && !strings.HasPrefix(value, base):
			return nil, fmt.Errorf("setting %s is an address that the adapter calls: write it with %s, or leave it out",
				p.Name(), vendorMark)
		}
	}
	s.AddDefaults(out)
	return out, nil
}

// withSetting returns a copy of settings in which the value at path is replaced; a nil value removes it.
func withSetting(all map[string]any, path []string, value any) map[string]any {
	out := maps.Clone(all)
	if out == nil {
		out = map[string]any{}
	}
	switch name := path[0]; {
	case len(path) > 1:
		inner, _ := out[name].(map[string]any)
		out[name] = withSetting(inner, path[1:], value)
	case value == nil:
		delete(out, name)
	default:
		out[name] = value
	}
	return out
}

// config is the configuration of the channel with these settings. Calls to this machine are allowed.
func (p *probe) config(settings map[string]any) *pluginpb.ChannelConfig {
	text, _ := json.Marshal(settings) // they come from JSON
	return &pluginpb.ChannelConfig{
		Name: p.data.Channel, Role: p.data.Role, Prefix: p.data.Prefix, Settings: text, Allow: []string{"127.0.0.0/8"},
	}
}

func (s *subject) openStreams() error {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	if slices.Contains(s.desc.GetAbilities(), "receive") {
		w, err := s.rpc.Receive(ctx)
		if err != nil {
			return fmt.Errorf("open the receive stream: %w", err)
		}
		s.receive = newStream(func(c []*pluginpb.ReceiveCall) error { return w.Send(&pluginpb.ReceiveRequest{Calls: c}) },
			func() ([]*pluginpb.ReceiveResult, error) { f, err := w.Recv(); return f.GetResults(), err },
			(*pluginpb.ReceiveResult).GetId, func(c *pluginpb.ReceiveCall, id uint64) { c.Id = id })
	}
	if slices.Contains(s.desc.GetAbilities(), "deliver") {
		w, err := s.rpc.Deliver(ctx)
		if err != nil {
			return fmt.Errorf("open the deliver stream: %w", err)
		}
		s.deliver = newStream(func(c []*pluginpb.DeliverCall) error { return w.Send(&pluginpb.DeliverRequest{Calls: c}) },
			func() ([]*pluginpb.DeliverResult, error) { f, err := w.Recv(); return f.GetResults(), err },
			(*pluginpb.DeliverResult).GetId, func(c *pluginpb.DeliverCall, id uint64) { c.Id = id })
	}
	return nil
}

func (s *subject) capabilities() *pluginpb.Capabilities {
	return cmp.Or(s.endpoint.GetCapabilities(), s.desc.GetCapabilities())
}

// secrets are the values of the settings that the schema marks as secret.
func (s *subject) secrets() (out []string) {
	for p := range s.schema.Schema.All() {
		if text, _ := valueAt(s.settings, p.Name()).(string); p.Secret && text != "" {
			out = append(out, text)
		}
	}
	return out
}

func (s *subject) alive() bool {
	return s != nil && s.exited.Err() == nil && s.receive.alive() && s.deliver.alive()
}

// close ends the process and its streams. The subject may be nil.
func (s *subject) close() {
	if s == nil {
		return
	}
	s.cancel()
	s.kill()
	if s.receive != nil {
		<-s.receive.ended.Done()
	}
	if s.deliver != nil {
		<-s.deliver.ended.Done()
	}
}
