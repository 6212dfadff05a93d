package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
	"patchbay/sdk/settings"
	"patchbay/sdk/text"
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
	}
	for _, r := range d.Roles {
		out.Roles = append(out.Roles, string(r))
	}
	return out, nil
}

func capabilitiesToProto(c *sdk.Capabilities) *pluginpb.Capabilities {
	out := &pluginpb.Capabilities{
		TextBytes: int64(c.TextBytes), History: c.History, Idempotent: c.Idempotent, Media: string(c.Media),
		MediaBytes: c.MediaBytes, MediaTypes: c.MediaTypes, MediaApart: c.MediaApart,
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
	values := make([]string, len(c.GetHeader())) // one for each field: few have more
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

func responseToProto(r *sdk.Response) *pluginpb.HttpAnswer {
	out := &pluginpb.HttpAnswer{Status: int32(r.Status), ContentType: r.ContentType, Body: r.Body}
	for k, v := range r.Header {
		out.Header = append(out.Header, &pluginpb.Header{Name: k, Value: v})
	}
	return out
}

// deliveryFromProto builds a delivery from what the log stores and what the gateway assigned.
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
	for i, b := range send.GetHistory() {
		h, err := protocol.DecodeEnvelope(b)
		if err != nil {
			return nil, fmt.Errorf("history %d: %w", i, err)
		}
		d.History = append(d.History, h)
	}
	return d, nil
}

func openingFromProto(c *pluginpb.DeliverCall, open *pluginpb.OpenAction) *sdk.OpenRequest {
	return &sdk.OpenRequest{
		Channel: c.GetChannel(), Key: c.GetKey(), Attempt: int(c.GetAttempt()), Conversation: open.GetConversation(),
		Epoch: open.GetEpoch(), Customer: protocol.SenderFromProto(open.GetCustomer()), CustomerID: open.GetCustomerId(),
		Offer: open.GetOffer(), Reason: open.GetReason(), Attributes: open.GetAttributes(),
	}
}

// encodeEnvelopes checks and encodes what an adapter made. what names it in errors.
func encodeEnvelopes(what string, list []*envelope.Envelope, check func(*envelope.Envelope) error) ([][]byte, error) {
	if len(list) == 0 {
		return nil, nil
	}
	out := make([][]byte, len(list))
	for i, e := range list {
		if e == nil {
			return nil, fmt.Errorf("the adapter made an invalid %s %d: nil", what, i)
		}
		err := e.Validate()
		if err == nil {
			err = check(e)
		}
		if err != nil {
			return nil, fmt.Errorf("the adapter made an invalid %s %d: %w", what, i, err)
		}
		if out[i], err = protocol.EncodeEnvelope(e); err != nil {
			return nil, fmt.Errorf("the adapter made an invalid %s %d: %w", what, i, err)
		}
	}
	return out, nil
}

// maxErrorText bounds texts that cross the wire.
const maxErrorText = 1 << 10

// errorToProto translates an error. Whatever is not an *Error counts as transient.
func errorToProto(err error) *pluginpb.Error {
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok {
		return &pluginpb.Error{Kind: string(sdk.KindTransient), Text: oneLine(err.Error())}
	}
	text := e.Text
	if e.Err != nil {
		if text != "" {
			text += ": "
		}
		text += e.Err.Error()
	}
	out := &pluginpb.Error{
		Kind: string(e.Kind), Text: oneLine(text), Status: int32(e.Status), Code: e.Code, Scope: string(e.Scope),
		Reason: e.Reason, Field: e.Field, Body: e.Body, Op: e.Op,
	}
	if out.Kind == "" {
		out.Kind = string(sdk.KindTransient)
	}
	if e.After > 0 {
		out.After = durationpb.New(e.After)
	}
	return out
}

// receiveError is errorToProto for inbound calls: what is not an *Error answers 500.
func receiveError(err error) *pluginpb.Error {
	out := errorToProto(err)
	if _, typed := errors.AsType[*sdk.Error](err); !typed {
		out.Status = http.StatusInternalServerError
	}
	return out
}

// deliverError is errorToProto for outbound calls: an untyped error after ctx ended may hide a call that
// had its effect.
func deliverError(ctx context.Context, err error) *pluginpb.Error {
	out := errorToProto(err)
	_, typed := errors.AsType[*sdk.Error](err)
	_, panicked := errors.AsType[*panicError](err)
	if !typed && !panicked && ctx.Err() != nil {
		out.Kind = string(sdk.KindUnknown)
	}
	return out
}

func oneLine(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text.Abbreviate(s, maxErrorText), "\n", "; "), "\uFFFD")
}
