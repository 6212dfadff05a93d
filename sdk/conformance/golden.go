package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"patchbay/sdk/envelope"
)

// inGolden is the result of an inbound call in the form of golden files.
type inGolden struct {
	Status      int                  `json:"status"`
	ContentType string               `json:"content_type,omitempty"`
	Body        any                  `json:"body,omitempty"`
	Refused     string               `json:"refused,omitempty"` // kind of the error
	Envelopes   []*envelope.Envelope `json:"envelopes,omitempty"`
}

func (r *received) golden() *inGolden {
	g := &inGolden{Status: r.status, ContentType: r.contentType, Envelopes: r.envelopes, Refused: r.refused.GetKind()}
	if len(r.body) > 0 {
		g.Body = readable(r.body)
	}
	return g
}

// compare expects a result to be as the golden file of an example in folder ("in", "out"). With Options.Update it writes the
// file instead where they differ.
func (p *probe) compare(folder, name string, got any) {
	path := filepath.Join(p.data.dir, folder, name+".golden")
	g, err := decodeJSON(bytes.ReplaceAll(goldenText(got), []byte(p.vendor.base), []byte(vendorMark)))
	if err != nil {
		p.abort(fmt.Errorf("read back what goes to %s: %w", path, err))
	}
	var w any
	d := "there is no golden file; run the suite with --update, and read what it writes"
	if want, err := os.ReadFile(path); err == nil {
		if w, err = decodeJSON(want); err != nil {
			p.abort(fmt.Errorf("read %s: %w", path, err))
		}
		if d = difference(w, g); d != "" {
			d = "differs from its golden file (-expected +observed); correct the adapter, or run the suite with --update:\n" + d
		}
	}
	if d != "" && p.o.Update {
		if err := os.WriteFile(path, goldenText(withPlaceholders(g, w)), 0o644); err != nil {
			p.abort(fmt.Errorf("write a golden file: %w", err))
		}
		d = ""
	}
	if o, ok := got.(*outcome); ok && d != "" && o.Error != nil && o.Error.text != "" {
		d += " (" + o.Error.text + ")"
	}
	p.expect(d == "", "%s/%s.http: %s", folder, name, d)
}

// goldenText is a value in the form of golden files, which is indented.
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

// withPlaceholders returns a golden value with anyMark in place of texts that differ each time: those where the former golden
// has a placeholder that still fits, and times near now.
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
		v, _ = edit(v, path, func(any) (any, bool) { return pattern, true })
	})
	return v
}
