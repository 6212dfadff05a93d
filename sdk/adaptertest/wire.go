package adaptertest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// channelConfig is the exam channel with these settings.
func (x *exam) channelConfig(settings map[string]any) *pluginpb.ChannelConfig {
	text, err := json.Marshal(settings)
	if err != nil {
		text = []byte("{}") // settings came from JSON, so this is not reached
	}
	return &pluginpb.ChannelConfig{
		Name: x.data.Channel, Role: x.data.Role, Prefix: x.data.Prefix, Settings: text,
		Allow: []string{"127.0.0.0/8"},
	}
}

// configure applies settings. An error means that there was no answer; a refusal is in the response.
func (x *exam) configure(settings map[string]any) (*pluginpb.ConfigureResponse, error) {
	ctx, cancel := context.WithTimeout(x.ctx, callTimeout)
	defer cancel()
	resp, err := x.prog.rpc.Configure(ctx, &pluginpb.ConfigureRequest{Channel: x.channelConfig(settings)})
	if err != nil {
		return nil, fmt.Errorf("configure: %w%s", err, lastWords(x.witness.said))
	}
	x.witness.hear("an error of Configure", resp.GetError().GetText())
	return resp, nil
}

// validate returns the problems of settings: those that the schema finds, which the gateway reports by itself, and the
// adapter's own.
func (x *exam) validate(c *pluginpb.ChannelConfig) ([]*pluginpb.Problem, error) {
	ctx, cancel := context.WithTimeout(x.ctx, callTimeout)
	defer cancel()
	resp, err := x.prog.rpc.Validate(ctx, &pluginpb.ValidateRequest{Channel: c})
	if err != nil {
		return nil, fmt.Errorf("validate: %w%s", err, lastWords(x.witness.said))
	}
	for _, p := range resp.GetProblems() {
		x.witness.hear("a problem of Validate", p.GetMessage())
	}
	return resp.GetProblems(), nil
}

// received is what came of an inbound call.
type received struct {
	envelopes []*envelope.Envelope
	refused   *pluginpb.Error
	status    int // of the answer that the vendor gets
	kind      string
	body      []byte
}

// accepted reports whether the call was taken.
func (r *received) accepted() bool { return r.refused == nil && r.status < 300 }

// receiveCall builds the call for a request, signed as the vendor signs it now unless it is already.
func (x *exam) receiveCall(in *inbound) (*pluginpb.ReceiveCall, error) {
	in, err := x.signed(in)
	if err != nil {
		return nil, err
	}
	target := strings.ReplaceAll(in.target, vendorMark, x.vendor.base)
	path, query, _ := strings.Cut(target, "?")
	call := &pluginpb.ReceiveCall{
		Timeout: durationpb.New(5 * time.Second), Channels: []string{x.data.Channel}, Method: in.method, Host: in.host,
		Path: path, FullPath: x.data.Prefix + path, Query: query, Remote: "127.0.0.1:40000",
		Body: in.body,
	}
	for _, f := range in.header {
		call.Header = append(call.Header, &pluginpb.Header{Name: http.CanonicalHeaderKey(f.name), Value: f.value})
	}
	return call, nil
}

// receive makes one inbound call. An error means that there is no result, or one that no gateway could use.
func (x *exam) receive(in *inbound) (*received, error) {
	if x.prog.receive == nil {
		return nil, fmt.Errorf("the adapter does not have the ability receive")
	}
	call, err := x.receiveCall(in)
	if err != nil {
		return nil, err
	}
	id, result := x.prog.receive.begin()
	call.Id = id
	if err := x.prog.receive.put(call); err != nil {
		return nil, err
	}
	r, err := x.prog.receive.wait(x.ctx, result, callTimeout)
	if err != nil {
		return nil, err
	}
	return x.readReceived(r)
}

func (x *exam) readReceived(r *pluginpb.ReceiveResult) (*received, error) {
	out := &received{refused: r.GetError()}
	if e := r.GetError(); e != nil {
		x.witness.hear("an error of Receive", e.GetText(), string(e.GetBody()), e.GetField(), e.GetOp())
		out.status, out.kind, out.body = x.refusal(e)
		return out, nil
	}
	out.status, out.kind, out.body = int(r.GetAnswer().GetStatus()), r.GetAnswer().GetContentType(), r.GetAnswer().GetBody()
	if out.status == 0 {
		out.status = http.StatusOK
	}
	x.witness.hear("an answer to the vendor", string(out.body))
	var err error
	out.envelopes, err = x.readEnvelopes(r.GetEnvelopes())
	return out, err
}

// readEnvelopes decodes and validates what an adapter made.
func (x *exam) readEnvelopes(list [][]byte) ([]*envelope.Envelope, error) {
	var out []*envelope.Envelope
	for i, b := range list {
		e, err := protocol.DecodeEnvelope(b)
		if err == nil {
			err = e.Validate()
		}
		if err == nil && e.Channel != x.data.Channel {
			err = fmt.Errorf("channel: is %q, expected %q", e.Channel, x.data.Channel)
		}
		if err != nil {
			return nil, fmt.Errorf("envelope %d is invalid: %s", i, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		x.witness.hear("an envelope", string(b))
		out = append(out, e)
	}
	return out, nil
}

// statuses are those of the kinds that answer a vendor.
var statuses = map[string]int{
	"invalid": 400, "unauthorized": 401, "unsupported": 415, "throttled": 429, "transient": 503,
}

// refusal returns the answer that the gateway gives for an inbound error.
func (x *exam) refusal(e *pluginpb.Error) (status int, contentType string, body []byte) {
	if status = int(e.GetStatus()); status == 0 {
		if status = statuses[e.GetKind()]; status == 0 {
			status = http.StatusInternalServerError
		}
	}
	if e.GetBody() != nil {
		return status, x.endpoint.GetRefusalContentType(), e.GetBody()
	}
	return status, x.endpoint.GetRefusalContentType(), x.template(status, http.StatusText(status))
}

// template fills in the channel's refusal template.
func (x *exam) template(status int, text string) []byte {
	if strings.Contains(x.endpoint.GetRefusalContentType(), "json") {
		quoted, err := json.Marshal(text)
		if err == nil {
			text = strings.Trim(string(quoted), `"`)
		}
	}
	return []byte(strings.NewReplacer("{{status}}", strconv.Itoa(status), "{{text}}", text).Replace(x.endpoint.GetRefusalBody()))
}

// with returns a copy of a call with another body.
func (in *inbound) with(body []byte) *inbound {
	out := *in
	out.body = body
	return &out
}

// withQuery returns a copy in which a parameter of the query is replaced; "" removes it.
func (in *inbound) withQuery(name, value string) *inbound {
	out := *in
	path, raw, _ := strings.Cut(in.target, "?")
	q, err := url.ParseQuery(raw)
	if err != nil {
		q = url.Values{}
	}
	q = maps.Clone(q)
	q.Del(name)
	if value != "" {
		q.Set(name, value)
	}
	if out.target = path; len(q) > 0 {
		out.target += "?" + q.Encode()
	}
	return &out
}

// withParameter returns a copy with another parameter of the query behind those that are there, which stay as they are. One
// of the same name is replaced.
func (in *inbound) withParameter(name, value string) *inbound {
	_, raw, has := strings.Cut(in.target, "?")
	if q, err := url.ParseQuery(raw); err == nil && q.Has(name) {
		return in.withQuery(name, value)
	}
	out := *in
	sep := "?"
	if has {
		sep = "&"
	}
	out.target += sep + url.QueryEscape(name) + "=" + url.QueryEscape(value)
	return &out
}

// withHeader returns a copy in which a header field has these values, none removes it.
func (in *inbound) withHeader(name string, values ...string) *inbound {
	out := *in
	out.header = nil
	for _, f := range in.header {
		if !strings.EqualFold(f.name, name) {
			out.header = append(out.header, f)
		}
	}
	for _, v := range values {
		out.header = append(out.header, field{name, v})
	}
	return &out
}
