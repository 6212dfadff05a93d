package serve

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"reflect"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/httpclient"
	"patchbay/sdk/protocol/pluginpb"
	"patchbay/sdk/settings"
)

// Validate implements pluginpb.PluginServiceServer.
func (s *service) Validate(_ context.Context, req *pluginpb.ValidateRequest) (*pluginpb.ValidateResponse, error) {
	ch, err := s.newChannel(req.GetChannel(), httpclient.New)
	if err != nil {
		return &pluginpb.ValidateResponse{Problems: []*pluginpb.Problem{{Message: err.Error()}}}, nil
	}
	defer ch.Host.HTTP.CloseIdleConnections()
	out := &pluginpb.ValidateResponse{}
	if s.settings != nil && s.settings.Kind() == reflect.Struct {
		if err := ch.Settings.Decode(reflect.New(s.settings).Interface()); err != nil {
			p := &pluginpb.Problem{Message: err.Error()}
			if e, ok := errors.AsType[*settings.Error](err); ok {
				p.Path, p.Message = e.Path, e.Err.Error()
			}
			out.Problems = append(out.Problems, p)
			return out, nil
		}
	}
	v, ok := s.adapter.(sdk.Validator)
	if !ok {
		return out, nil
	}
	err = s.catchPanic("validate", func() error {
		for _, p := range v.Validate(ch) {
			out.Problems = append(out.Problems, &pluginpb.Problem{Path: p.Path, Message: p.Message, Warning: p.Warning})
		}
		return nil
	})
	if err != nil { // a panic is not a problem of the settings
		return nil, status.Error(codes.Internal, err.Error())
	}
	return out, nil
}

// Configure implements pluginpb.PluginServiceServer. If the setting allow has not changed, the channel keeps its client
// and the client's connections.
func (s *service) Configure(ctx context.Context, req *pluginpb.ConfigureRequest) (*pluginpb.ConfigureResponse, error) {
	name := req.GetChannel().GetName()
	s.mu.Lock()
	earlier := s.channels[name]
	s.mu.Unlock()
	links, err := parsePrefixes("allow_links", req.GetChannel().GetAllowLinks())
	if err != nil {
		return &pluginpb.ConfigureResponse{Error: errorToProto(err)}, nil
	}
	ch, err := s.newChannel(req.GetChannel(), func(allow []netip.Prefix) *http.Client {
		if earlier != nil && slices.Equal(earlier.allow, allow) {
			return earlier.client
		}
		return httpclient.New(allow)
	})
	var ep sdk.Endpoint
	if err == nil {
		err = s.catchPanic("configure", func() (err error) {
			ep, err = s.adapter.Configure(ctx, ch)
			return err
		})
	}
	if err != nil {
		e := errorToProto(err)
		_, typed := errors.AsType[*sdk.Error](err)
		if _, panicked := errors.AsType[*panicError](err); !typed && !panicked {
			e.Kind = string(sdk.KindInvalid)
		}
		return &pluginpb.ConfigureResponse{Error: e}, nil
	}
	s.mu.Lock()
	s.channels[name] = &channel{client: ch.Host.HTTP, allow: ch.Host.Allow, links: links}
	s.mu.Unlock()
	if earlier != nil && earlier.client != ch.Host.HTTP {
		earlier.client.CloseIdleConnections()
	}
	return endpointToProto(ep), nil
}

// newChannel returns the channel that the adapter gets.
func (s *service) newChannel(c *pluginpb.ChannelConfig, client func([]netip.Prefix) *http.Client) (sdk.Channel, error) {
	allow, err := parsePrefixes("allow", c.GetAllow())
	if err != nil {
		return sdk.Channel{}, err
	}
	calls := client(allow)
	return sdk.Channel{
		Name: c.GetName(), Role: envelope.Role(c.GetRole()), Prefix: c.GetPrefix(),
		Settings: sdk.NewSettings(c.GetSettings()),
		Host: sdk.Host{
			Logger: s.log.With("channel", c.GetName()), HTTP: calls, Allow: allow, Registry: s.registry,
			Media: httpclient.WithLimit(calls, sdk.MaxMediaResponseBytes),
		},
	}, nil
}

// parsePrefixes parses the networks of a setting.
func parsePrefixes(setting string, list []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, sdk.Invalid(setting, "%q is not a CIDR like 10.0.0.0/8", s)
		}
		out = append(out, p)
	}
	return out, nil
}
