package conformance

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

// outcome is the result of an outbound call, in the form of golden files. One member is set if noResult is empty.
type outcome struct {
	Receipt *receipt `json:"receipt,omitempty"`
	Opened  *opened  `json:"opened,omitempty"`
	Fetched *fetched `json:"fetched,omitempty"`
	Emitted *emitted `json:"emitted,omitempty"`
	Error   *failure `json:"error,omitempty"`

	noResult string // why there is no usable result
	act      act
	script   *script // with the requests that the vendor got
}

type receipt struct {
	VendorID string               `json:"vendor_id,omitempty"`
	State    any                  `json:"state,omitempty"`
	Replies  []*envelope.Envelope `json:"replies,omitempty"`
	Degraded string               `json:"degraded,omitempty"`
}

type opened struct {
	Thread   string `json:"thread"`
	State    any    `json:"state,omitempty"`
	Accepted bool   `json:"accepted,omitempty"`
}

type fetched struct {
	ContentType string `json:"content_type,omitempty"`
	Name        string `json:"name,omitempty"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"`
}

type emitted struct {
	Envelopes []*envelope.Envelope `json:"envelopes"`
	Cursor    any                  `json:"cursor,omitempty"`
}

type failure struct {
	Kind   string `json:"kind"`
	Status int32  `json:"status,omitempty"`
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
	Field  string `json:"field,omitempty"`
	After  string `json:"after,omitempty"`
	Scope  string `json:"scope,omitempty"`

	text string
}

func (o *outcome) isSuccess() bool { return o.noResult == "" && o.Error == nil }

func (o *outcome) replies() []*envelope.Envelope {
	if o.Receipt == nil {
		return nil
	}
	return o.Receipt.Replies
}

// kind is the kind of the error, "" for success, and "lost" if there is no usable result.
func (o *outcome) kind() string {
	if o.Error != nil {
		return o.Error.Kind
	}
	if o.noResult != "" {
		return "lost"
	}
	return ""
}

// String describes the outcome for a finding.
func (o *outcome) String() string {
	if o.Error != nil {
		return strings.TrimSuffix("an error of kind "+o.Error.Kind+" ("+o.Error.text+")", " ()")
	}
	return cmp.Or(o.noResult, "success")
}

func (p *probe) readDelivered(open bool, r *pluginpb.DeliverResult) *outcome {
	if e := r.GetError(); e != nil {
		return p.readError("Deliver", e)
	}
	var state any
	if r.GetHasState() {
		state = jsonOrText(r.GetState())
	}
	const maxState = 4 << 10
	if n := len(r.GetState()); n > maxState {
		return noResult("a thread state of %d bytes: keep at most %d", n, maxState)
	}
	if open {
		if n := len(r.GetThread()); n == 0 || n > envelope.MaxThreadBytes {
			return noResult("a thread of %d bytes: it must have 1 to %d", n, envelope.MaxThreadBytes)
		}
		return &outcome{Opened: &opened{Thread: r.GetThread(), State: state, Accepted: r.GetAccepted()}}
	}
	replies, err := p.readEnvelopes(r.GetReplies())
	if err != nil {
		return noResult("reply: %v", err)
	}
	p.witness.inspect("a receipt", r.GetDegraded(), r.GetVendorId())
	return &outcome{Receipt: &receipt{r.GetVendorId(), state, replies, r.GetDegraded()}}
}

func (p *probe) readError(call string, e *pluginpb.Error) *outcome {
	p.witness.inspect("an error of "+call, e.GetText(), e.GetOp(), e.GetField(), e.GetCode(), e.GetReason())
	f := &failure{cmp.Or(e.GetKind(), "of no kind"), e.GetStatus(), e.GetCode(), e.GetReason(), e.GetField(), "",
		e.GetScope(), e.GetText()}
	if d := e.GetAfter().AsDuration(); d > 0 {
		f.After = d.String()
	}
	return &outcome{Error: f}
}

// received is the result of an inbound call, in the form of golden files.
type received struct {
	Status      int                  `json:"status"` // of the response that the vendor gets
	ContentType string               `json:"content_type,omitempty"`
	Body        any                  `json:"body,omitempty"`
	Kind        string               `json:"refused,omitempty"` // of the error
	Envelopes   []*envelope.Envelope `json:"envelopes,omitempty"`

	noResult string // why there is no usable result
	refused  *pluginpb.Error
	body     []byte
}

func (r *received) isAccepted() bool { return r.noResult == "" && r.refused == nil && r.Status < 300 }

// String describes the result for a finding.
func (r *received) String() string {
	if r.refused != nil {
		return fmt.Sprintf("refused with %d: %s", r.Status, strings.TrimSpace(r.refused.GetField()+" "+r.refused.GetText()))
	}
	return cmp.Or(r.noResult, fmt.Sprintf("status %d, envelopes: %d", r.Status, len(r.Envelopes)))
}

// statuses maps kinds of errors to the HTTP statuses that the gateway returns to a vendor.
var statuses = map[string]int{
	"invalid": 400, "unauthorized": 401, "unsupported": 415, "throttled": 429, "transient": 503,
}

// readReceived reads a result. For an error it builds the HTTP response that the gateway would send to the vendor.
func (p *probe) readReceived(r *pluginpb.ReceiveResult) *received {
	e, a, c := r.GetError(), r.GetResponse(), p.subject.endpoint
	out := &received{refused: e, Kind: e.GetKind()}
	if e != nil {
		p.witness.inspect("an error of Receive", e.GetText(), string(e.GetBody()), e.GetField(), e.GetOp())
		out.Status = cmp.Or(int(e.GetStatus()), statuses[e.GetKind()], http.StatusInternalServerError)
		if out.ContentType, out.body = c.GetRefusalContentType(), e.GetBody(); out.body == nil {
			out.body = fillTemplate(c, out.Status, http.StatusText(out.Status))
		}
	} else {
		out.Status, out.ContentType, out.body = cmp.Or(int(a.GetStatus()), http.StatusOK), a.GetContentType(), a.GetBody()
		p.witness.inspect("a response to the vendor", string(out.body))
		var err error
		if out.Envelopes, err = p.readEnvelopes(r.GetEnvelopes()); err != nil {
			out.noResult = err.Error()
		}
	}
	if len(out.body) > 0 {
		out.Body = jsonOrText(out.body)
	}
	return out
}

// fillTemplate fills in a channel's refusal template.
func fillTemplate(c *pluginpb.ConfigureResponse, status int, text string) []byte {
	if strings.Contains(c.GetRefusalContentType(), "json") {
		quoted, _ := json.Marshal(text) // cannot fail for a string
		text = strings.Trim(string(quoted), `"`)
	}
	return []byte(strings.NewReplacer("{{status}}", strconv.Itoa(status), "{{text}}", text).Replace(c.GetRefusalBody()))
}

func jsonOrText(b []byte) any {
	if v, err := decodeJSON(b); err == nil {
		return v
	}
	return string(b)
}

func checksum(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

// compare adds a finding if a result differs from its golden file in folder. With Options.Update it writes the file.
func (p *probe) compare(folder, name string, got any) {
	path := filepath.Join(p.data.dir, folder, name+".golden")
	text, missing := os.ReadFile(path)
	want, err := decodeJSON(text)
	if err != nil && missing == nil {
		p.abortIf(fmt.Errorf("read %s: %w", path, err))
	}
	observed, _ := decodeJSON(bytes.ReplaceAll(goldenText(got), []byte(p.vendor.base), []byte(vendorMark))) // it is JSON
	d := difference(want, observed)
	if d != "" {
		d = "differs from its golden file (-expected +observed); correct the adapter, or run the suite with --update:\n" + d
	}
	if missing != nil {
		d = "there is no golden file; run the suite with --update, and read what it writes"
	}
	if d != "" && p.o.Update {
		if err := os.WriteFile(path, goldenText(withPlaceholders(observed, want)), 0o644); err != nil {
			p.abortIf(fmt.Errorf("write a golden file: %w", err))
		}
		d = ""
	}
	p.expect(d == "", "%s/%s.http (%s): %s", folder, name, got, d)
}

func goldenText(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // goldens are made of JSON types
	return b.Bytes()
}

// goldenOutcome returns the golden outcome of an exchange, nil if there is none.
func goldenOutcome(dir, name string) *outcome {
	o := &outcome{}
	text, err := os.ReadFile(filepath.Join(dir, "out", name+".golden"))
	if err != nil || json.Unmarshal(text, o) != nil {
		return nil
	}
	return o
}

// withPlaceholders returns a golden value with placeholders for texts that differ in each run. It keeps a pattern of
// the former golden value if the text matches it. It replaces a time within 24 hours of now by anyMark.
func withPlaceholders(v, former any) any {
	members("", v, func(path string, text any) {
		t, _ := text.(string)
		pattern, _ := valueAt(former, path).(string)
		at, err := time.Parse(time.RFC3339, t)
		switch {
		case isPattern(pattern) && matches(pattern, t):
		case err == nil && time.Since(at).Abs() < 24*time.Hour:
			pattern = anyMark
		default:
			return
		}
		v, _ = edit(v, path, func(any) any { return pattern })
	})
	return v
}
