package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

func TestGetFetchesOnce(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(5500))
	first := b.must("cat")
	if diff := cmp.Diff(Info{ContentType: "image/png", Name: "cat.png", Size: 5500}, first.Info); diff != "" {
		t.Errorf("info (-want +got)\n%s", diff)
	}
	if !bytes.Equal(content(t, first), picture(5500)) {
		t.Error("other bytes than the vendor's")
	}
	if second := b.must("cat"); second != first {
		t.Error("fetched again")
	}
	if n := b.vendor.requests("cat"); n != 1 {
		t.Errorf("%d requests to the vendor, want 1", n)
	}
	want := request(envelope.PartImage, "cat")
	want.MaxBytes = 20_000
	if diff := cmp.Diff([]Request{want}, b.vendor.calls); diff != "" {
		t.Errorf("request (-want +got)\n%s", diff)
	}
	if got := b.counts.results(); !slices.Equal(got, []string{"desk ok"}) {
		t.Errorf("counted %v", got)
	}
	if bytes, items := b.counts.stored(); bytes != diskSize(5500) || items != 1 {
		t.Errorf("%d bytes in %d items", bytes, items)
	}
}

// Channel, thread, and link or reference identify a medium.
func TestGetIdentifiesMedia(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	base := request(envelope.PartImage, "cat")
	for _, tc := range []struct {
		name   string
		change func(*Request)
		same   bool
	}{
		{"text and state", func(r *Request) { r.Part.Text, r.State = "my cat", nil }, true},
		{"part type", func(r *Request) { r.Part.Type = envelope.PartFile }, true},
		{"channel", func(r *Request) { r.Channel = "desk2" }, false},
		{"thread", func(r *Request) { r.Thread = "t2" }, false},
		{"boundary of channel and thread", func(r *Request) { r.Channel, r.Thread = "deskt", "1" }, false},
		{"link", func(r *Request) { r.Part.Ref, r.Part.URL = "", "cat" }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			first := b.must("cat")
			req := base
			tc.change(&req)
			got, err := b.Get(t.Context(), req, Limit{})
			if err != nil {
				t.Fatal(err)
			}
			if (got == first) != tc.same {
				t.Errorf("same = %t, want %t", got == first, tc.same)
			}
		})
	}
}

// The type and the name from the source take precedence over those of the message.
func TestTypeAndName(t *testing.T) {
	b := open(t)
	for _, tc := range []struct {
		name       string
		part, info Info
		want       Info
	}{
		{"from the message", Info{docx, "letter", 1}, Info{}, Info{docx, "letter.docx", 4}},
		{"generic type and name", Info{docx, "a.docx", 1}, Info{"binary/octet-stream", "/", 0}, Info{docx, "a.docx", 4}},
		{"from the vendor", Info{docx, "letter", 1}, Info{epub, "book.epub", 9}, Info{epub, "book.epub", 4}},
		{"unknown", Info{}, Info{}, Info{"application/zip", "file.zip", 4}},
	} {
		b.vendor.put(tc.name, medium{Info: tc.info, data: []byte("PK\x03\x04")})
		req := request(envelope.PartFile, tc.name)
		req.Part.ContentType, req.Part.Name, req.Part.Size = tc.part.ContentType, tc.part.Name, tc.part.Size
		got, err := b.Get(t.Context(), req, Limit{})
		if err != nil || got.Info != tc.want {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
	}
}

func TestGetErrors(t *testing.T) {
	gone := &sdk.Error{Kind: sdk.KindGone, Op: "fetch medium"}
	unsupported := &sdk.Error{Kind: sdk.KindUnsupported, Op: "fetch medium", Text: "the medium has more than 20000 bytes"}
	later := &sdk.Error{Kind: sdk.KindThrottled, After: time.Minute, Op: "fetch medium"}
	otherTypes := []string{"image/gif", "video/*", "image/p*"}
	media := map[string]medium{
		"ok":          png1(1000),
		"exact":       png1(20_000),
		"large":       {Info: Info{ContentType: "image/png"}, data: picture(20_001)},
		"wrong claim": {Info: Info{ContentType: "image/png", Size: 5}, data: picture(20_001)},
		"large claim": {Info: Info{ContentType: "image/png", Size: 1 << 40}, data: picture(100)},
		"html":        {Info: Info{ContentType: "image/png"}, data: []byte("<!DOCTYPE html><script>alert(1)</script>")},
		"svg":         {Info: Info{ContentType: "image/png"}, data: []byte(`<?xml version="1.0"?><svg xmlns="x"/>`)},
		"true svg":    {Info: Info{ContentType: "image/svg+xml"}, data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)},
		"script":      {Info: Info{ContentType: "image/jpeg"}, data: []byte("alert(1)")},
		"noise":       {Info: Info{ContentType: "image/jpeg"}, data: []byte{0, 1, 2, 3, 4, 5}},
		"sound":       {Info: Info{ContentType: "image/jpeg"}, data: []byte("ID3\x04\x00\x00\x00\x00")},
		"nothing":     {Info: Info{ContentType: "image/png"}, data: []byte{}},
		"gone":        {err: gone},
		"unsupported": {err: unsupported},
		"half gone":   {data: picture(5000), err: gone},
		"later":       {data: picture(5000), err: later},
		"broken":      {data: picture(5000), err: errors.New("connection reset")},
	}
	for _, tc := range []struct {
		name     string // of a medium
		limit    Limit
		part     envelope.PartType // default image
		want     error             // nil is no error
		result   string
		requests int // number of requests after two calls of Get; after a permanent error, Get does not fetch again
	}{
		{name: "ok", result: ResultOK, requests: 1},
		{name: "exact", result: ResultOK, requests: 1},
		{name: "ok", limit: Limit{Bytes: 1000, Types: []string{"image/gif", "image/*"}}, result: ResultOK, requests: 1},
		{name: "ok", limit: Limit{Types: []string{"IMAGE/PNG"}}, result: ResultOK, requests: 1},
		{name: "ok", limit: Limit{Types: []string{"*/*"}}, result: ResultOK, requests: 1},
		{name: "ok", limit: Limit{Bytes: 999}, want: &TooLargeError{Size: 1000, Limit: 999}, result: ResultOK, requests: 1},
		{name: "ok", limit: Limit{Types: otherTypes}, result: ResultOK, requests: 1,
			want: &TypeError{Part: "image", Declared: "image/png", Found: "image/png", Accepted: otherTypes}},
		{name: "large", want: &TooLargeError{Size: 20_001, Limit: 20_000}, result: ResultTooLarge, requests: 1},
		{name: "wrong claim", want: &TooLargeError{Size: 20_001, Limit: 20_000}, result: ResultTooLarge, requests: 1},
		{name: "large claim", want: &TooLargeError{Size: 1 << 40, Limit: 20_000}, result: ResultTooLarge, requests: 1},
		{name: "html", want: wrongType("image/png", "text/html"), result: ResultWrongType, requests: 1},
		{name: "html", part: envelope.PartFile, result: ResultOK, requests: 1},
		{name: "svg", want: wrongType("image/png", "image/svg+xml"), result: ResultWrongType, requests: 1},
		{name: "true svg", want: wrongType("image/svg+xml", "image/svg+xml"), result: ResultWrongType, requests: 1},
		{name: "script", want: wrongType("image/jpeg", "text/plain"), result: ResultWrongType, requests: 1},
		{name: "noise", want: wrongType("image/jpeg", "application/octet-stream"), result: ResultWrongType, requests: 1},
		{name: "sound", want: wrongType("image/jpeg", "audio/mpeg"), result: ResultWrongType, requests: 1},
		{name: "nothing", want: wrongType("image/png", "text/plain"), result: ResultWrongType, requests: 1},
		{name: "gone", want: gone, result: ResultRefused, requests: 1},
		{name: "half gone", want: gone, result: ResultRefused, requests: 1},
		{name: "gone", want: ErrGone, result: ResultRefused, requests: 1},
		{name: "unsupported", want: unsupported, result: ResultRefused, requests: 1},
		{name: "later", want: later, result: ResultFailed, requests: 2},
		{name: "broken", want: media["broken"].err, result: ResultFailed, requests: 2},
	} {
		t.Run(fmt.Sprint(tc.name, tc.limit, tc.part), func(t *testing.T) {
			b := open(t)
			b.vendor.put("it", media[tc.name])
			req := request(envelope.PartImage, "it")
			if tc.part != "" {
				req.Part.Type = tc.part
			}
			permanent := tc.want != nil && tc.requests == 1
			for range 2 {
				_, err := b.Get(t.Context(), req, tc.limit)
				if !matchesError(err, tc.want) || IsPermanent(err) != permanent {
					t.Fatalf("error = %v (permanent %t), want %v (%t)", err, IsPermanent(err), tc.want, permanent)
				}
			}
			if got := b.vendor.requests("it"); got != tc.requests {
				t.Errorf("%d requests to the vendor, want %d", got, tc.requests)
			}
			if got := b.counts.results()[0]; got != "desk "+tc.result {
				t.Errorf("counted %q, want %q", got, tc.result)
			}
			b.expectFilesOfItems()
		})
	}
}

func wrongType(declared, found string) error {
	return &TypeError{Part: envelope.PartImage, Declared: declared, Found: found}
}

// matchesError reports whether err wraps want, or an equal *TooLargeError or *TypeError.
func matchesError(err, want error) bool {
	if want == nil || err == nil {
		return err == want
	}
	large, isLarge := errors.AsType[*TooLargeError](err)
	typed, isTyped := errors.AsType[*TypeError](err)
	return errors.Is(err, want) || isLarge && cmp.Equal(error(large), want) || isTyped && cmp.Equal(error(typed), want)
}

func TestGetRejectsPartsWithoutMedium(t *testing.T) {
	b := open(t)
	for name, part := range map[string]envelope.Part{
		"no handle": {Type: envelope.PartImage},
		"text":      {Type: envelope.PartText, Ref: "r"},
		"location":  {Type: envelope.PartLocation, URL: "u"},
	} {
		_, err := b.Get(t.Context(), Request{Channel: "desk", Part: part}, Limit{})
		if sdk.KindOf(err) != sdk.KindInvalid || !IsPermanent(err) || !strings.Contains(err.Error(), "channel desk") {
			t.Errorf("%s: error = %v", name, err)
		}
	}
	if len(b.vendor.calls) > 0 {
		t.Errorf("requests to the vendor: %+v", b.vendor.calls)
	}
}

// Get returns a permanent error for five minutes without a request. Then a change at the vendor takes effect.
func TestPermanentErrorsAreRemembered(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", medium{err: &sdk.Error{Kind: sdk.KindPermanent}})
	get := func() error {
		_, err := b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{})
		return err
	}
	if err := get(); sdk.KindOf(err) != sdk.KindPermanent {
		t.Fatalf("error = %v", err)
	}
	b.vendor.put("cat", png1(100))
	b.clock.advance(failureDuration - time.Second)
	if err := get(); sdk.KindOf(err) != sdk.KindPermanent {
		t.Errorf("before: error = %v", err)
	}
	b.clock.advance(time.Second)
	b.sweep()
	if len(b.failures) != 0 {
		t.Error("the error is still remembered")
	}
	if err := get(); err != nil {
		t.Errorf("after: %v", err)
	}
}

// Get returns the error of a callback even if the source does not.
func TestSourceThatHidesCallbackErrors(t *testing.T) {
	b := open(t)
	b.reopen(func(o *Options) { o.Source = replacesErrors{b.vendor} })
	b.vendor.put("cat", png1(20_001))
	_, err := b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{})
	if !matchesError(err, &TooLargeError{Size: 20_001, Limit: 20_000}) {
		t.Errorf("error = %v", err)
	}
	b.vendor.put("dog", medium{Info: Info{Size: 20_001}, data: picture(100)})
	b.reopen(func(o *Options) { o.Source = ignoresErrors{b.vendor} })
	_, err = b.Get(t.Context(), request(envelope.PartImage, "dog"), Limit{})
	if !matchesError(err, &TooLargeError{Size: 20_001, Limit: 20_000}) {
		t.Errorf("error = %v", err)
	}
	b.expectFilesOfItems()
}

// replacesErrors is a Source that replaces all errors.
type replacesErrors struct{ *vendor }

func (r replacesErrors) Fetch(ctx context.Context, req Request, info func(Info) error, chunk func([]byte) error) error {
	if r.vendor.Fetch(ctx, req, info, chunk) != nil {
		return errors.New("failed")
	}
	return nil
}

// ignoresErrors is a Source that ignores the errors of its callbacks.
type ignoresErrors struct{ *vendor }

func (i ignoresErrors) Fetch(ctx context.Context, req Request, info func(Info) error, chunk func([]byte) error) error {
	ignoreInfo := func(i Info) error { _ = info(i); return nil }
	return i.vendor.Fetch(ctx, req, ignoreInfo, func(p []byte) error { _ = chunk(p); return nil })
}
