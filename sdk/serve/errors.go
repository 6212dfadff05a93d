package serve

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
	"patchbay/sdk/text"
)

// errStopping refuses calls that arrive while the adapter drains. They had no effect.
var errStopping = &sdk.Error{
	Kind: sdk.KindTransient, Status: http.StatusServiceUnavailable, Text: "the adapter is stopping",
}

// maxErrorText limits the texts of errors in the protocol, in bytes.
const maxErrorText = 1 << 10

// errorToProto converts an error. A panic becomes KindPanicked. Any other error that is not an *sdk.Error is transient.
func errorToProto(err error) *pluginpb.Error {
	if _, panicked := errors.AsType[*panicError](err); panicked {
		return &pluginpb.Error{Kind: string(sdk.KindPanicked), Text: oneLine(err.Error())}
	}
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok {
		return &pluginpb.Error{Kind: string(sdk.KindTransient), Text: oneLine(err.Error())}
	}
	message := e.Text
	if e.Err != nil {
		if message != "" {
			message += ": "
		}
		message += e.Err.Error()
	}
	out := &pluginpb.Error{
		Kind: string(e.Kind), Text: oneLine(message), Status: int32(e.Status), Code: e.Code, Scope: string(e.Scope),
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

// receiveError converts an error of Receive. If it is not an *sdk.Error, the status of the response is 500.
func receiveError(err error) *pluginpb.Error {
	out := errorToProto(err)
	if _, typed := errors.AsType[*sdk.Error](err); !typed {
		out.Status = http.StatusInternalServerError
	}
	return out
}

// deliverError converts an error of Deliver, Open or Fetch. If ctx has ended, an error other than *sdk.Error and
// *panicError is unknown, because the call may have had its effect.
func deliverError(ctx context.Context, err error) *pluginpb.Error {
	out := errorToProto(err)
	_, typed := errors.AsType[*sdk.Error](err)
	_, panicked := errors.AsType[*panicError](err)
	if !typed && !panicked && ctx.Err() != nil {
		out.Kind = string(sdk.KindUnknown)
	}
	return out
}

// outcomeUnknown returns the error for an invalid result of an adapter. It is of KindUnknown, because the vendor may
// have accepted the call.
func outcomeUnknown(err error) error { return &sdk.Error{Kind: sdk.KindUnknown, Err: err} }

// oneLine converts s to one line of valid UTF-8. It removes secrets from URLs and cuts the text to about maxErrorText.
func oneLine(s string) string {
	s = text.Abbreviate(urls.ReplaceAllStringFunc(s, shortenURL), maxErrorText)
	return strings.ToValidUTF8(text.OneLine(strings.ReplaceAll(s, "\n", "; ")), "\uFFFD")
}

var urls = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://[^\s"'<>]+`)

// shortenURL removes the user, path, query and fragment of a URL. Vendors have tokens in all of them.
func shortenURL(u string) string {
	scheme, rest, _ := strings.Cut(u, "://")
	authority, short := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
		if len(rest) > i+1 {
			short = "/…"
		} else {
			short = rest[i:]
		}
	}
	return scheme + "://" + authority[strings.LastIndexByte(authority, '@')+1:] + short
}
