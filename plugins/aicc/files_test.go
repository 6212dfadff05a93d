package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// fileDelivery returns a delivery of one file.
func fileDelivery(t envelope.PartType, a *sdk.Attachment) *sdk.Delivery {
	d := delivery(&envelope.Envelope{Kind: envelope.KindMessage, Parts: []envelope.Part{{Type: t}}})
	d.Media = []*sdk.Attachment{a}
	return d
}

// An uploaded file can be downloaded without a change, for all accepted types and both forms of messages.
func TestUploadedFilesCanBeDownloaded(t *testing.T) {
	v := newMemoryVendor()
	var sent string
	v.answer = func(call string, _ *http.Request, body []byte) http.HandlerFunc {
		if call == "send" {
			sent = string(body)
		}
		return nil
	}
	desks := map[string]*adapter{}
	for _, as := range []string{uploadPlain, uploadFile} {
		desks[as] = deskIn(t, v, map[string]any{"upload_media_type": as, "files": "library"})
	}
	rapid.Check(t, func(rt *rapid.T) {
		var accepted []fileType
		for _, f := range fileTypes {
			if f.mediaType != "" {
				accepted = append(accepted, f)
			}
		}
		kind := rapid.SampledFrom(accepted).Draw(rt, "type")
		data := rapid.SliceOfN(rapid.Byte(), 1, 5000).Draw(rt, "bytes")
		a := desks[rapid.SampledFrom([]string{uploadPlain, uploadFile}).Draw(rt, "upload_media_type")]
		name := rapid.StringMatching(`[a-z, ]{0,10}`).Draw(rt, "name") + "." + kind.extension
		d := fileDelivery(kind.part, sdk.NewAttachment(kind.contentType, name, data))
		if _, err := a.Deliver(t.Context(), d); err != nil {
			rt.Fatal(err)
		}
		ref := keyIn(rt, sent, kind, len(data))
		m, err := a.Fetch(t.Context(), &sdk.FetchRequest{Channel: "desk", Thread: testUser,
			Part: envelope.Part{Type: kind.part, Ref: ref, Attributes: map[string]string{attrFileType: kind.extension}}})
		if err != nil {
			rt.Fatal(err)
		}
		got, err := io.ReadAll(m.Body)
		if err != nil || !bytes.Equal(got, data) || m.Size != int64(len(data)) || m.ContentType != kind.contentType {
			rt.Fatalf("%d bytes of %s came back as %d of %s (%v)", len(data), kind.contentType, len(got), m.ContentType, err)
		}
	})
}

// keyIn returns the object key in a message.
func keyIn(rt *rapid.T, sent string, kind fileType, size int) string {
	var m uplink
	decodeInto(rt, sent, &m)
	fields := strings.Split(m.Content, ",")
	switch m.MediaType {
	case mediaFile:
		if len(fields) != 4 || fields[1] != fmt.Sprint(size) || fields[3] != kind.extension {
			rt.Fatalf("content of FILE: %q", m.Content)
		}
		return fields[2]
	case mediaFileImage, mediaFileVideo:
		if len(fields) != 2 || fields[1] != kind.extension {
			rt.Fatalf("content of %s: %q", m.MediaType, m.Content)
		}
		return fields[0]
	case kind.mediaType:
		return m.Content
	}
	rt.Fatalf("mediaType %q for a file of type %s", m.MediaType, kind.extension)
	return ""
}

// Files up to the limit are transferred completely, although other responses have a lower limit. Larger files are
// unsupported in both directions.
func TestFileSizeLimit(t *testing.T) {
	const limit = 300_000
	v := newMemoryVendor()
	a := deskIn(t, v, map[string]any{"max_file_bytes": limit, "files": "library"})
	data := bytes.Repeat([]byte("0123456789"), limit/10)
	whole := fileDelivery(envelope.PartFile, sdk.NewAttachment("text/plain", "a.txt", data))
	if _, err := a.Deliver(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	var key string
	for key = range v.files {
	}
	fetch := func() (*sdk.Medium, error) {
		return a.Fetch(t.Context(), &sdk.FetchRequest{Channel: "desk", Thread: testUser,
			Part: envelope.Part{Type: envelope.PartFile, Ref: strings.TrimSuffix(key, ".txt"), Name: "a.txt"}})
	}
	m, err := fetch()
	if err != nil || m.Size != limit || m.Name != "a.txt" {
		t.Fatalf("Fetch = %+v, %v", m, err)
	}
	for _, more := range []int{1, limit, 10 * limit} {
		v.files[key] = append(bytes.Clone(data), make([]byte, more)...)
		if _, err := fetch(); sdk.KindOf(err) != sdk.KindUnsupported {
			t.Errorf("%d bytes more: %v; want unsupported", more, err)
		}
	}
	uploads := v.count("upload")
	large := fileDelivery(envelope.PartFile, sdk.NewAttachment("text/plain", "a.txt", append(data, 'x')))
	if _, err := a.Deliver(t.Context(), large); sdk.KindOf(err) != sdk.KindUnsupported || v.count("upload") != uploads {
		t.Errorf("Deliver = %v, %d uploads; want unsupported and none", err, v.count("upload")-uploads)
	}
}

// The adapter reads a temporary link without credentials. Errors do not contain the link.
func TestTemporaryLinkIsSecret(t *testing.T) {
	v := newMemoryVendor()
	status := http.StatusOK
	v.answer = func(call string, r *http.Request, _ []byte) http.HandlerFunc {
		switch call {
		case "download":
			return func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, `{"resultCode":"0","fileUrl":"https://files.example.com/files/1?secret=abc"}`)
			}
		case "file":
			if len(r.Header) != 0 {
				t.Errorf("the link was called with %v", r.Header)
			}
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); fmt.Fprint(w, "bytes") }
		}
		return nil
	}
	a := deskIn(t, v, nil)
	f := &sdk.FetchRequest{Channel: "desk", Thread: testUser, Part: envelope.Part{Type: envelope.PartImage, Ref: "x"}}
	if m, err := a.Fetch(t.Context(), f); err != nil || m.Size != 5 {
		t.Fatalf("Fetch = %+v, %v", m, err)
	}
	for status = range map[int]bool{403: true, 404: true, 500: true} {
		if _, err := a.Fetch(t.Context(), f); err == nil || strings.Contains(err.Error(), "secret=abc") {
			t.Errorf("%d: %v", status, err)
		}
	}
	c := a.channels["desk"]
	c.host.HTTP = &http.Client{Transport: brokenTransport{v, "file", io.ErrUnexpectedEOF}}
	if _, err := a.Fetch(t.Context(), f); sdk.KindOf(err) != sdk.KindTransient || strings.Contains(err.Error(), "secret=abc") {
		t.Errorf("interrupted download: %v; want transient, without the link", err)
	}
}

// A web page at the address of a temporary link is not accepted as the file.
func TestWebPageIsNotTheFile(t *testing.T) {
	v := newMemoryVendor()
	v.answer = func(call string, _ *http.Request, _ []byte) http.HandlerFunc {
		switch call {
		case "download":
			return func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, `{"resultCode":"0","fileUrl":"https://files.example.com/files/1"}`)
			}
		case "file":
			return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<!DOCTYPE html><html>Log in</html>") }
		}
		return nil
	}
	_, err := deskIn(t, v, nil).Fetch(t.Context(), &sdk.FetchRequest{Channel: "desk", Thread: testUser,
		Part: envelope.Part{Type: envelope.PartFile, Ref: "x", Name: "a.pdf"}})
	if err == nil || sdk.KindOf(err) != sdk.KindTransient {
		t.Errorf("Fetch = %v; want transient", err)
	}
}

// A lost response of an upload or a download is transient, because these calls have no effect for the customer. For the
// message after an upload, the outcome is unknown.
func TestLostResponsesOfFileCalls(t *testing.T) {
	image := sdk.NewAttachment("image/png", "", []byte("pixels"))
	for _, tt := range []struct {
		call  string
		fetch bool
		want  sdk.ErrorKind
	}{{"upload", false, sdk.KindTransient}, {"send", false, sdk.KindUnknown}, {"download", true, sdk.KindTransient}} {
		v := newMemoryVendor()
		a := deskIn(t, v, nil)
		a.channels["desk"].host.HTTP = &http.Client{Transport: brokenTransport{v, tt.call, io.ErrUnexpectedEOF}}
		var err error
		if tt.fetch {
			_, err = a.Fetch(t.Context(), &sdk.FetchRequest{Channel: "desk", Thread: testUser,
				Part: envelope.Part{Type: envelope.PartImage, Ref: "x"}})
		} else {
			_, err = a.Deliver(t.Context(), fileDelivery(envelope.PartImage, image))
		}
		if err == nil || sdk.KindOf(err) != tt.want {
			t.Errorf("%s: %v; want %s", tt.call, err, tt.want)
		}
	}
}

func TestDecodeFile(t *testing.T) {
	want := []byte("\x00\xffany bytes>?")
	plain := base64.StdEncoding.EncodeToString(want)
	for name, s := range map[string]string{
		"plain": plain, "no padding": strings.TrimRight(plain, "="), "lines": plain[:4] + "\r\n" + plain[4:] + "\n",
		"data URL": "data:application/octet-stream;base64," + plain, "blanks around": " " + plain + " ",
	} {
		if got, err := decodeFile(s, 100); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := decodeFile(plain, int64(len(want)-1)); sdk.KindOf(err) != sdk.KindUnsupported {
		t.Errorf("too large: %v; want unsupported", err)
	}
}

func TestCapabilities(t *testing.T) {
	ep := configureIn(t, newAdapter(), newMemoryVendor(), map[string]any{"max_file_bytes": 1000})
	can := ep.Capabilities
	if can.Media != sdk.MediaStream || !can.SeparateMedia || can.MediaBytes != 1000 || can.TextBytes != 1024 {
		t.Errorf("Capabilities = %+v", can)
	}
	for _, ct := range can.MediaTypes {
		if f, ok := uploadType(sdk.NewAttachment(ct, "", []byte("x"))); !ok || f.mediaType == "" {
			t.Errorf("%s is declared and not accepted", ct)
		}
	}
	d := newAdapter().Describe()
	if d.Capabilities.MediaBytes != defaultFileBytes || len(d.Roles) != 1 || d.Roles[0] != envelope.RoleAgent {
		t.Errorf("Describe = %+v", d)
	}
}
