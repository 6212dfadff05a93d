package plugin

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// medium is the result of a Fetch.
type medium struct {
	head *pluginpb.FetchResponse
	data []byte
}

func (r *runningHost) read(ref string) (*medium, error) {
	m := &medium{}
	err := r.Fetch(r.ctx(), &pluginpb.FetchRequest{Channel: "c", Part: &pluginpb.Part{Type: "file", Ref: ref}},
		func(h *pluginpb.FetchResponse) error { m.head = h; return nil },
		func(b []byte) error { m.data = append(m.data, b...); return nil })
	return m, err
}

func TestFetch(t *testing.T) {
	r := run(t, "")
	r.ready()
	for _, n := range []string{"0", "1", "262144", "700000"} {
		m, err := r.read(n)
		if err != nil || m.head.GetName() != "x.txt" || m.head.GetContentType() != "text/plain" || string(bytes.Trim(m.data, "x")) != "" {
			t.Errorf("%s bytes: %v, %v", n, m.head, err)
		}
		if want := map[string]int{"0": 0, "1": 1, "262144": 262144, "700000": 700000}[n]; len(m.data) != want {
			t.Errorf("got %d bytes, want %s", len(m.data), n)
		}
	}
	_, err := r.read("nothing")
	if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Kind != sdk.KindGone || e.Text != "no such medium" {
		t.Errorf("error %v, want the adapter's own", err)
	}
	full := errors.New("disk full")
	err = r.Fetch(r.ctx(), &pluginpb.FetchRequest{Ref: "700000"}, func(*pluginpb.FetchResponse) error { return nil },
		func([]byte) error { return full })
	if !errors.Is(err, full) {
		t.Errorf("error %v, want the reader's", err)
	}
}

func TestProcessEndsDuringFetch(t *testing.T) {
	r := run(t, "")
	r.ready()
	m, err := r.read("/exit")
	if _, refused := errors.AsType[*sdk.Error](err); err == nil || refused {
		t.Errorf("%d bytes, error %v; want an error without a kind", len(m.data), err)
	}
	r.ready()
	if m, err := r.read("5"); err != nil || len(m.data) != 5 {
		t.Errorf("after the restart: %v, %v", m, err)
	}
}

// If a process that is being replaced refuses a fetch, the next process gets it.
func TestFetchContinuesWithTheNextProcess(t *testing.T) {
	description := &pluginpb.DescribeResponse{Abilities: []string{"fetch"}}
	for name, tc := range map[string]struct {
		messages []*pluginpb.FetchResponse
		want     string // data; "" is the error
	}{
		"stopping":      {[]*pluginpb.FetchResponse{{Error: &pluginpb.Error{Kind: "transient", Text: "the adapter is stopping"}}}, "new"},
		"in the middle": {[]*pluginpb.FetchResponse{{Data: []byte("old")}, {Error: &pluginpb.Error{Kind: "transient"}}}, ""},
		"refused":       {[]*pluginpb.FetchResponse{{Error: &pluginpb.Error{Kind: "gone"}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := New(Options{Name: "hostile"})
			next := &session{description: description, rpc: &fetchScript{messages: []*pluginpb.FetchResponse{{Data: []byte("new")}}, end: io.EOF}}
			former := &fetchScript{messages: tc.messages, end: io.EOF, before: func() { h.session.Store(next) }}
			h.session.Store(&session{description: description, rpc: former})
			heads, data := 0, ""
			err := h.Fetch(t.Context(), &pluginpb.FetchRequest{Channel: "c"}, func(*pluginpb.FetchResponse) error { heads++; return nil },
				func(b []byte) error { data += string(b); return nil })
			if (err == nil) != (tc.want != "") || err == nil && data != tc.want || heads > 1 {
				t.Errorf("%d heads, data %q, error %v", heads, data, err)
			}
		})
	}
}

func TestAttach(t *testing.T) {
	r := run(t, "")
	r.ready()
	content := bytes.Repeat([]byte("y"), 600_000)
	if err := r.Attach(r.ctx(), &pluginpb.AttachRequest{Id: "m1", Name: "y.txt", Size: 600_000}, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	b, err := protocol.EncodeEnvelope(&envelope.Envelope{Channel: "c", Thread: "t", Kind: envelope.KindMessage,
		Parts: []envelope.Part{{Type: envelope.PartFile, Ref: "r"}}})
	if err != nil {
		t.Fatal(err)
	}
	call := &pluginpb.DeliverCall{Channel: "c", Key: "k", Action: &pluginpb.DeliverCall_Send{Send: &pluginpb.SendAction{
		Thread: "t", Envelope: b, Assigned: &pluginpb.Assigned{Media: []*pluginpb.AssignedMedium{{Attachment: "m1"}}}}}}
	res, err := r.Deliver(r.ctx(), call)
	if err != nil || res.GetVendorId() != "y.txt 600000 bytes" {
		t.Errorf("result %v, %v", res, err)
	}
	err = r.Attach(r.ctx(), &pluginpb.AttachRequest{Id: "m2", Size: 10}, bytes.NewReader(content))
	if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Kind != sdk.KindInvalid {
		t.Errorf("more than announced: %v", err)
	}
	broken := errors.New("broken disk")
	err = r.Attach(r.ctx(), &pluginpb.AttachRequest{Id: "m3", Size: 10}, iotest.ErrReader(broken))
	if !errors.Is(err, broken) {
		t.Errorf("a medium that cannot be read: %v", err)
	}
}
