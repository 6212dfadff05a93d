package serve

import (
	"fmt"
	"net/http"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
	"patchbay/sdk/settings"
)

func descriptionToProto(d sdk.Description, abilities []string) (*pluginpb.DescribeResponse, error) {
	schema, err := settings.Of(d.Settings)
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", d.Name, err)
	}
	schemaText, err := schema.Text()
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", d.Name, err)
	}
	out := &pluginpb.DescribeResponse{
		Name: d.Name, Version: d.Version, Vendor: d.Vendor, SettingsSchema: schemaText,
		Capabilities: capabilitiesToProto(&d.Capabilities), ReasonCodes: d.ReasonCodes, Abilities: abilities,
		CancelsFetch: true, EventReasons: d.EventReasons, Attributes: d.Attributes,
	}
	for name := range d.Attributes {
		if !strings.Contains(name, ".") {
			return nil, fmt.Errorf("describe %s: attribute %q has no dot in its name, so rules cannot read it", d.Name, name)
		}
	}
	for _, r := range d.Roles {
		out.Roles = append(out.Roles, string(r))
	}
	return out, nil
}

func capabilitiesToProto(c *sdk.Capabilities) *pluginpb.Capabilities {
	out := &pluginpb.Capabilities{
		TextBytes: int64(c.TextBytes), History: c.History, Idempotent: c.Idempotent, Media: string(c.Media),
		MediaBytes: c.MediaBytes, MediaTypes: c.MediaTypes, SeparateMedia: c.SeparateMedia,
	}
	for _, p := range c.Parts {
		out.Parts = append(out.Parts, string(p))
	}
	for _, k := range c.Events {
		out.Events = append(out.Events, string(k))
	}
	return out
}

func endpointToProto(ep sdk.Endpoint) *pluginpb.ConfigureResponse {
	out := &pluginpb.ConfigureResponse{
		RefusalContentType: ep.Refusal.ContentType, RefusalBody: ep.Refusal.Body, Threads: string(ep.Threads),
		Subscribes: ep.Subscribes, Unknown: ep.Unknown,
	}
	if ep.Capabilities != nil {
		out.Capabilities = capabilitiesToProto(ep.Capabilities)
	}
	if out.Threads == "" {
		out.Threads = string(sdk.ThreadsPerConversation)
	}
	for _, p := range ep.Paths {
		out.Paths = append(out.Paths, &pluginpb.Path{
			Pattern: p.Pattern, Methods: p.Methods, ContentTypes: p.ContentTypes, MaxBody: p.MaxBody,
		})
	}
	return out
}

func requestFromProto(c *pluginpb.ReceiveCall) *sdk.Request {
	h := make(http.Header, len(c.GetHeader()))
	values := make([]string, len(c.GetHeader())) // shared backing array: most fields have one value
	for i, f := range c.GetHeader() {
		k := http.CanonicalHeaderKey(f.GetName())
		if have := h[k]; have != nil {
			h[k] = append(have, f.GetValue())
			continue
		}
		values[i] = f.GetValue()
		h[k] = values[i : i+1 : i+1]
	}
	return &sdk.Request{
		Channels: c.GetChannels(), Method: c.GetMethod(), Host: c.GetHost(), Path: c.GetPath(),
		FullPath: c.GetFullPath(), Query: c.GetQuery(), Header: h, Body: c.GetBody(), Remote: c.GetRemote(),
	}
}

func responseToProto(r *sdk.Response) *pluginpb.HttpResponse {
	out := &pluginpb.HttpResponse{Status: int32(r.Status), ContentType: r.ContentType, Body: r.Body}
	for k, v := range r.Header {
		out.Header = append(out.Header, &pluginpb.Header{Name: k, Value: v})
	}
	return out
}

// deliveryFromProto returns the delivery for a stored envelope and the values that the gateway assigned.
func deliveryFromProto(c *pluginpb.DeliverCall, send *pluginpb.SendAction) (*sdk.Delivery, error) {
	e, err := protocol.DecodeEnvelope(send.GetEnvelope())
	if err != nil {
		return nil, err
	}
	protocol.Overlay(e, send.GetAssigned())
	d := &sdk.Delivery{
		Channel: c.GetChannel(), Key: c.GetKey(), Attempt: int(c.GetAttempt()), Thread: send.GetThread(),
		State: send.GetState(), Envelope: e,
	}
	if c := send.GetCopy(); c != nil {
		d.Copy = &sdk.Copy{Rule: c.GetRule(), Decision: c.GetDecision(), Channel: c.GetChannel()}
	}
	for i, b := range send.GetHistory() {
		h, err := protocol.DecodeEnvelope(b)
		if err != nil {
			return nil, fmt.Errorf("history %d: %w", i, err)
		}
		d.History = append(d.History, h)
	}
	return d, nil
}

func openRequestFromProto(c *pluginpb.DeliverCall, open *pluginpb.OpenAction) *sdk.OpenRequest {
	return &sdk.OpenRequest{
		Channel: c.GetChannel(), Key: c.GetKey(), Attempt: int(c.GetAttempt()), Conversation: open.GetConversation(),
		Epoch: open.GetEpoch(), Customer: protocol.SenderFromProto(open.GetCustomer()),
		CustomerID: open.GetCustomerId(),
		Offer:      open.GetOffer(), Reason: open.GetReason(), Attributes: open.GetAttributes(),
	}
}

// encodeEnvelopes validates and encodes the envelopes of an adapter. noun is the word for an envelope in errors.
func encodeEnvelopes(noun string, list []*envelope.Envelope, check func(*envelope.Envelope) error) ([][]byte, error) {
	if len(list) == 0 {
		return nil, nil
	}
	out := make([][]byte, len(list))
	for i, e := range list {
		if e == nil {
			return nil, fmt.Errorf("the adapter made an invalid %s %d: nil", noun, i)
		}
		err := e.Validate()
		if err == nil {
			err = check(e)
		}
		if err != nil {
			return nil, fmt.Errorf("the adapter made an invalid %s %d: %w", noun, i, err)
		}
		if out[i], err = protocol.EncodeEnvelope(e); err != nil {
			return nil, fmt.Errorf("the adapter made an invalid %s %d: %w", noun, i, err)
		}
	}
	return out, nil
}
