package adaptertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"patchbay/sdk/envelope"
)

// inGolden is what a golden file of an inbound call has.
type inGolden struct {
	Status      int                  `json:"status"`
	ContentType string               `json:"content_type,omitempty"`
	Body        any                  `json:"body,omitempty"`
	Refused     string               `json:"refused,omitempty"` // kind of the error
	Envelopes   []*envelope.Envelope `json:"envelopes,omitempty"`
}

func (r *received) golden() *inGolden {
	g := &inGolden{Status: r.status, ContentType: r.kind, Envelopes: r.envelopes, Refused: r.refused.GetKind()}
	if len(r.body) > 0 {
		g.Body = readable(r.body)
	}
	return g
}

// compare says where got differs from the golden file of a message in folder ("in", "out"), "" if nowhere. With
// Options.Update it writes the file instead.
func (x *exam) compare(folder, name string, got any) (string, error) {
	path := filepath.Join(x.data.dir, folder, name+".golden")
	text, err := x.goldenText(got)
	if err != nil {
		return "", err
	}
	want, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the golden file: %w", err)
	}
	missing := err != nil
	var w, g any
	if !missing {
		if err := decodeJSON(want, &w); err != nil {
			return "", fmt.Errorf("read %s: %w", path, err)
		}
	}
	if err := decodeJSON(text, &g); err != nil {
		return "", fmt.Errorf("read back what goes to %s: %w", path, err)
	}
	d := ""
	if missing {
		d = "there is no golden file; run the exam with --update, and read what it writes"
	} else {
		d = difference("", w, g)
	}
	if d == "" || !x.opts.Update {
		return d, nil
	}
	if text, err = x.withPlaceholders(text, w); err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return "", fmt.Errorf("write the golden file: %w", err)
	}
	return "", nil
}

// goldenText is a value as golden files have it: indented, with the fault server's address replaced.
func (x *exam) goldenText(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode for the golden file: %w", err)
	}
	return []byte(strings.ReplaceAll(b.String(), x.vendor.base, vendorMark)), nil
}

// golden returns the golden outcome of an exchange, nil if there is none yet.
func (x *exam) golden(ex *exchange) *outcome {
	text, err := os.ReadFile(filepath.Join(x.data.dir, "out", ex.name+".golden"))
	if err != nil {
		return nil
	}
	var o outcome
	if json.Unmarshal(text, &o) != nil {
		return nil
	}
	return &o
}
