package sdk

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"patchbay/sdk/httpclient"
)

// ErrorKind decides what the gateway does about a failed call. Text never decides.
type ErrorKind string

// The kinds.
const (
	KindInvalid      ErrorKind = "invalid"      // the message or call is malformed: never repeated; inbound 400
	KindUnauthorized ErrorKind = "unauthorized" // credentials refused: outbound retried slowly; inbound 401
	KindUnsupported  ErrorKind = "unsupported"  // the vendor can't carry this: never repeated
	KindPermanent    ErrorKind = "permanent"    // the vendor refuses for good: never repeated
	KindTransient    ErrorKind = "transient"    // may work later: repeated with backoff
	KindThrottled    ErrorKind = "throttled"    // too fast: repeated after After
	KindDeclined     ErrorKind = "declined"     // the far end does not take the conversation; Reason says why
	KindGone         ErrorKind = "gone"         // the vendor forgot the thread: opened again, with history
	KindUnknown      ErrorKind = "unknown"      // the call may have had its effect
)

// Scope says whom a throttle concerns.
type Scope string

// The scopes.
const (
	ScopeLane    Scope = "lane"    // this conversation
	ScopeChannel Scope = "channel" // the whole account
)

// Error is the one error type that crosses the process boundary. Any other error that an
// adapter returns counts as KindTransient outbound and as 500 inbound.
type Error struct {
	Kind   ErrorKind
	Op     string        // verb phrase: "send message"
	Text   string        // for operators; no message text, no secrets
	Status int           // HTTP status: the vendor's, outbound; ours to the vendor, inbound; 0 for the kind's own
	Code   string        // vendor's error code, "" if none
	After  time.Duration // throttled: not before; also obeyed for transient
	Scope  Scope         // throttled
	Reason string        // declined: one of Description.ReasonCodes
	Field  string        // invalid: the field that is wrong
	// Body is the refusal in the vendor's own shape, inbound only; nil means the channel's Refusal template.
	Body []byte
	Err  error
}

// Error returns one line: operation, kind, text, vendor's status and code.
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

// KindOf returns the kind of the first *Error in err's chain, or KindTransient.
func KindOf(err error) ErrorKind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindTransient
}

// Invalid returns an error for a field that is missing or wrong.
func Invalid(field, format string, args ...any) *Error {
	return &Error{Kind: KindInvalid, Field: field, Text: fmt.Sprintf(format, args...)}
}

// Unauthorized returns an error for a caller who did not prove who it is. The text goes to the log, not to the caller.
func Unauthorized(format string, args ...any) *Error {
	return &Error{Kind: KindUnauthorized, Text: fmt.Sprintf(format, args...)}
}

// FromStatus maps a vendor's HTTP status to a kind; it is the one place that does. Adapters override
// by looking at status and body before they call it. 2xx gives nil, 401 and 403 KindUnauthorized, 429 KindThrottled for
// the channel, 408, 425 and 5xx KindTransient (both with Retry-After), 413 and 415 KindUnsupported, all else, redirects
// among it, KindPermanent.
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
	default: // other 4xx, and redirects, which are not followed
		e.Kind = KindPermanent
	}
	return e
}

// RetryAfter reads a Retry-After header in both its forms (RFC 9110 10.2.3). It returns 0 if there is
// none or it can't be read, and at most one hour.
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

// FromTransport maps an error of http.Client.Do to a kind. A request that was certainly not sent
// (connection refused, name not found) is transient; an address that the channel may not call is permanent, and the
// text names the setting; everything else may have had its effect: unknown.
func FromTransport(op string, err error) *Error {
	return &Error{Kind: transportKind(err), Op: op, Err: err}
}

func transportKind(err error) ErrorKind {
	if errors.Is(err, httpclient.ErrForbiddenAddress) { // configuration is wrong: repeating changes nothing
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
