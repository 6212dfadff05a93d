package conformance

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"

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

// startSubject starts and configures the adapter. Checks report a faulty description and a refused configuration.
func (p *probe) startSubject() error {
	s := &subject{process: &process{output: &p.witness.output}, cancel: func() {}}
	p.subject = s
	err := s.start(p.o)
	if err == nil {
		err = p.prepare(s)
	}
	if err != nil {
		s.close()
		return fmt.Errorf("start the adapter: %w%s", err, outputEnd(s.output))
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
	p.witness.addSecrets(s.secrets()...)
	c := &pluginpb.ConfigureRequest{Channel: p.config(s.settings)}
	if s.endpoint, err = s.rpc.Configure(p.ctx, c); err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	p.witness.inspect("an error of Configure", s.endpoint.GetError().GetText())
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	if p.can("receive") {
		request := func(c []*pluginpb.ReceiveCall) *pluginpb.ReceiveRequest { return &pluginpb.ReceiveRequest{Calls: c} }
		number := func(c *pluginpb.ReceiveCall, id uint64) { c.Id = id }
		s.receive, err = newStream(ctx, s.rpc.Receive, request, (*pluginpb.ReceiveResponse).GetResults, number)
	}
	if err == nil && p.can("deliver") {
		request := func(c []*pluginpb.DeliverCall) *pluginpb.DeliverRequest { return &pluginpb.DeliverRequest{Calls: c} }
		number := func(c *pluginpb.DeliverCall, id uint64) { c.Id = id }
		s.deliver, err = newStream(ctx, s.rpc.Deliver, request, (*pluginpb.DeliverResponse).GetResults, number)
	}
	return err
}

// fillSettings returns a copy of given with the defaults of a schema. base, the address of the fault
// server, replaces vendorMark and is the value of each required address that is missing.
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

// withSetting returns a copy of settings with another value at a path. The value removed removes the setting.
func withSetting(all map[string]any, path []string, value any) map[string]any {
	out, _ := edit(all, strings.Join(path, "."), func(any) any { return value })
	return out.(map[string]any)
}

// config returns the configuration of the channel with these settings. Calls to this machine are allowed.
func (p *probe) config(settings map[string]any) *pluginpb.ChannelConfig {
	text, _ := json.Marshal(settings) // cannot fail: they come from JSON
	return &pluginpb.ChannelConfig{
		Name: p.data.Channel, Role: p.data.Role, Prefix: p.data.Prefix, Settings: text, Allow: []string{"127.0.0.0/8"},
	}
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

var (
	errHangs = errors.New("no result: the call hangs") // its timeout has passed
	errDied  = errors.New("the process or its stream ended")
)

// stream matches results with their calls. It is safe for concurrent use, and nil if the adapter lacks the ability.
type stream[C any, R interface{ GetId() uint64 }] struct {
	send   func([]C) error
	number func(call C, id uint64) // gives a call its id

	mu      sync.Mutex
	next    uint64
	pending map[uint64]chan R
	strange int // results of no call, and second results of a call
	ended   context.Context
}

func newStream[C, Q, P any, R interface{ GetId() uint64 }](ctx context.Context,
	open func(context.Context, ...grpc.CallOption) (grpc.BidiStreamingClient[Q, P], error), request func([]C) *Q,
	results func(*P) []R, number func(C, uint64)) (*stream[C, R], error) {
	w, err := open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open a stream of calls: %w", err)
	}
	s := &stream[C, R]{number: number, pending: map[uint64]chan R{}}
	s.send = func(frame []C) error { return w.Send(request(frame)) }
	ended, end := context.WithCancel(context.Background())
	s.ended = ended
	go func() {
		defer end()
		for resp, err := w.Recv(); err == nil; resp, err = w.Recv() {
			s.take(results(resp))
		}
	}()
	return s, nil
}

// take hands results to their calls.
func (s *stream[C, R]) take(results []R) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range results {
		if ch := s.pending[r.GetId()]; ch != nil {
			delete(s.pending, r.GetId())
			ch <- r // does not block: it has a buffer
		} else {
			s.strange++
		}
	}
}

// unmatchedResults returns the number of results that belong to no call.
func (s *stream[C, R]) unmatchedResults() int {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.strange
}

func (s *stream[C, R]) alive() bool { return s == nil || s.ended.Err() == nil }

// put sends calls as one frame. wait reads the results.
func (s *stream[C, R]) put(frame ...C) (results []chan R, err error) {
	s.mu.Lock()
	for _, call := range frame {
		s.next++
		s.number(call, s.next)
		results = append(results, make(chan R, 1))
		s.pending[s.next] = results[len(results)-1]
	}
	s.mu.Unlock()
	if s.send(frame) != nil {
		return nil, errDied
	}
	return results, nil
}

func (s *stream[C, R]) wait(ctx context.Context, result chan R, limit time.Duration) (r R, err error) {
	select {
	case r = <-result:
		return r, nil
	case <-time.After(limit):
		return r, errHangs
	case <-ctx.Done():
		return r, ctx.Err()
	case <-s.ended.Done():
	}
	select { // the result may have come just before the end
	case r = <-result:
		return r, nil
	default:
		return r, errDied
	}
}
