package conformance

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
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
	s := &subject{process: &process{said: &p.witness.said}, cancel: func() {}}
	p.subject = s
	err := s.start(p.o)
	if err == nil {
		err = p.prepare(s)
	}
	if err != nil {
		s.close()
		return fmt.Errorf("start the adapter: %w%s", err, lastWords(s.said))
	}
	return nil
}

func (p *probe) prepare(s *subject) (err error) {
	s.rpc = pluginpb.NewPluginServiceClient(s.conn)
	if s.desc, err = s.rpc.Describe(p.ctx, &pluginpb.DescribeRequest{GatewayVersion: "conformance"}); err != nil {
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
	if s.endpoint, err = s.rpc.Configure(p.ctx, c); err != nil {
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
	if err == nil {
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

// withSetting returns a copy of settings in which the value at a path is replaced, added or removed.
func withSetting(all map[string]any, path []string, value any) map[string]any {
	out, _ := edit(all, strings.Join(path, "."), func(any) any { return value })
	return out.(map[string]any)
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
		request := func(c []*pluginpb.ReceiveCall) *pluginpb.ReceiveRequest { return &pluginpb.ReceiveRequest{Calls: c} }
		s.receive = newStream(w, request, (*pluginpb.ReceiveResponse).GetResults,
			func(c *pluginpb.ReceiveCall, id uint64) { c.Id = id })
	}
	if slices.Contains(s.desc.GetAbilities(), "deliver") {
		w, err := s.rpc.Deliver(ctx)
		if err != nil {
			return fmt.Errorf("open the deliver stream: %w", err)
		}
		request := func(c []*pluginpb.DeliverCall) *pluginpb.DeliverRequest { return &pluginpb.DeliverRequest{Calls: c} }
		s.deliver = newStream(w, request, (*pluginpb.DeliverResponse).GetResults,
			func(c *pluginpb.DeliverCall, id uint64) { c.Id = id })
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
	return s.exited != nil && s.exited.Err() == nil && s.receive.alive() && s.deliver.alive()
}

// close ends the process and its streams.
func (s *subject) close() {
	s.cancel()
	s.kill()
	if s.receive != nil {
		<-s.receive.ended.Done()
	}
	if s.deliver != nil {
		<-s.deliver.ended.Done()
	}
}
