package sdk

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"patchbay/sdk/httpclient"
)

// ErrorKind classifies a failed call. The gateway decides by the kind, never by the text.
type ErrorKind string

// The kinds of errors. The gateway retries KindUnauthorized, KindTransient and KindThrottled; the setting
// delivery.unknown decides about KindUnknown. "inbound" names the status of the response to a webhook.
const (
	KindInvalid      ErrorKind = "invalid"      // the message or call is malformed; inbound 400
	KindUnauthorized ErrorKind = "unauthorized" // the credentials are refused; retried slowly; inbound 401
	KindUnsupported  ErrorKind = "unsupported"  // the vendor cannot carry this content; inbound 415
	KindPermanent    ErrorKind = "permanent"    // the vendor refuses, and will refuse again
	KindTransient    ErrorKind = "transient"    // a later attempt may succeed; retried with backoff; inbound 503
	KindThrottled    ErrorKind = "throttled"    // too many calls; retried when After has passed; inbound 429
	KindDeclined     ErrorKind = "declined"     // an offer is declined; Reason has the reason code
	KindGone         ErrorKind = "gone"         // the vendor no longer has the thread; it is opened again, with history
	KindUnknown      ErrorKind = "unknown"      // the call may have had its effect
	KindPanicked     ErrorKind = "panicked"     // the adapter's method panicked; package serve returns it
)

// Scope is the extent of a pause.
type Scope string

// The scopes.
const (
	ScopeLane    Scope = "lane"    // this conversation
	ScopeChannel Scope = "channel" // the whole channel
)

// Error is a typed failure of an adapter's method. Outbound, any other error counts as KindTransient. Inbound, the
// response has the status 500.
//
// Outbound, Status is the HTTP status of the vendor's response. Set it also for an error code in a response with status
// 200. A status below 500 other than 429 means that the vendor can be reached and refuses this call. Repeated errors
// open the channel's circuit breaker if their status is 429 or 5xx, or if they have no status and the kind is
// KindTransient or KindUnknown. Leave Status 0 if the response is not from the vendor's API, like the page of a proxy.
type Error struct {
	Kind   ErrorKind
	Op     string        // verb phrase, like "send message"
	Text   string        // one line for operators, without message text and secrets
	Status int           // HTTP status, see above; inbound: of the refusal, 0 means the kind's default
	Code   string        // the vendor's error code, "" without one
	After  time.Duration // minimum delay before a retry, for KindThrottled and KindTransient
	Scope  Scope         // extent of the pause, for KindThrottled
	Reason string        // one of Description.ReasonCodes, for KindDeclined
	Field  string        // the invalid field, for KindInvalid
	// Body is a response in the vendor's format, inbound only. Nil means the channel's Refusal.
	Body []byte
	Err  error
}

// Error returns one line with all fields that are set except After, Scope and Body.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	b.WriteString(string(e.Kind))
	if e.Reason != "" {
		b.WriteString(" (" + e.Reason + ")")
	}
	if e.Field != "" {
		b.WriteString(": " + e.Field)
	}
	if e.Text != "" {
		b.WriteString(": " + e.Text)
	}
	if e.Status != 0 {
		b.WriteString(" [HTTP " + strconv.Itoa(e.Status) + "]")
	}
	if e.Code != "" {
		b.WriteString(" [code " + e.Code + "]")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first *Error in err's chain, or KindTransient without one. For a nil error it returns
// "".
func KindOf(err error) ErrorKind {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindTransient
}

// Invalid returns an error for a missing or wrong field.
func Invalid(field, format string, args ...any) *Error {
	return &Error{Kind: KindInvalid, Field: field, Text: fmt.Sprintf(format, args...)}
}

// Unauthorized returns an error for a caller with missing or wrong credentials. The text is for the log output; the
// caller does not get it.
func Unauthorized(format string, args ...any) *Error {
	return &Error{Kind: KindUnauthorized, Text: fmt.Sprintf(format, args...)}
}

// FromStatus returns the error for a vendor's HTTP status, and nil for 2xx. 401 and 403 are KindUnauthorized. 429 is
// KindThrottled for the channel, and 408, 425 and 5xx are KindTransient, both with Retry-After. 413 and 415 are
// KindUnsupported. Any other status, such as a redirect, is KindPermanent. If the vendor has its own error codes, an
// adapter checks them first.
func FromStatus(op string, status int, header http.Header) *Error {
	e := &Error{Op: op, Status: status}
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Kind = KindUnauthorized
	case status == http.StatusTooManyRequests:
		e.Kind, e.Scope = KindThrottled, ScopeChannel
		e.After = RetryAfter(header, time.Now())
	case status == http.StatusRequestTimeout || status == http.StatusTooEarly || status >= 500:
		e.Kind = KindTransient
		e.After = RetryAfter(header, time.Now())
	case status == http.StatusUnsupportedMediaType || status == http.StatusRequestEntityTooLarge:
		e.Kind = KindUnsupported
	default: // other 4xx, and redirects, which the client does not follow
		e.Kind = KindPermanent
	}
	return e
}

// RetryAfter parses the header Retry-After in both forms (RFC 9110 10.2.3). It returns 0 if the header is missing or
// invalid, and at most one hour.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	var d time.Duration
	if s, err := strconv.Atoi(v); err == nil {
		if s > 3600 {
			s = 3600
		}
		d = time.Duration(s) * time.Second
	} else if t, err := http.ParseTime(v); err == nil {
		d = t.Sub(now)
	}
	return min(max(d, 0), time.Hour)
}

// FromTransport returns the error for a failed http.Client.Do. If the request was not sent (connection refused, name
// not found), the kind is KindTransient. If the client refused the address, it is KindPermanent, and the text names the
// setting that allows the address. Otherwise the kind is KindUnknown, because the request may have had its effect. The
// result contains the cause without the url.Error around it, because the URL may contain a secret.
func FromTransport(op string, err error) *Error {
	e := &Error{Kind: transportKind(err), Op: op}
	for e.Err = err; ; {
		withURL, ok := errors.AsType[*url.Error](e.Err)
		if !ok {
			return e
		}
		e.Err = withURL.Err
	}
}

func transportKind(err error) ErrorKind {
	if errors.Is(err, httpclient.ErrForbiddenAddress) { // a retry cannot change the configuration
		return KindPermanent
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return KindTransient
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return KindTransient
	}
	return KindUnknown
}
