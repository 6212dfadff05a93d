package serve

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

// attach sends a medium in chunks.
func attach(t *testing.T, client pluginpb.PluginServiceClient, size int64, first *pluginpb.AttachRequest, more ...string) *pluginpb.Error {
	t.Helper()
	stream, err := client.Attach(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first.Size = size
	err = stream.Send(first)
	for _, s := range more {
		if err == nil {
			err = stream.Send(&pluginpb.AttachRequest{Data: []byte(s)})
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	resp, err := stream.CloseAndRecv()
	if err != nil {
		t.Fatal(err)
	}
	return resp.GetError()
}

func TestAttachmentsArePartOfTheirDelivery(t *testing.T) {
	var got *sdk.Delivery
	svc, client := connect(t, &scripted{deliver: func(_ context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
		got = d
		return &sdk.Receipt{}, nil
	}})
	two := hello()
	two.Parts = append(two.Parts, envelope.Part{Type: envelope.PartImage, Ref: "r1"}, envelope.Part{Type: envelope.PartFile, Ref: "r2", URL: "https://v.example/x"})
	media := func(more ...*pluginpb.AssignedMedium) *pluginpb.Assigned { return &pluginpb.Assigned{Media: more} }
	put := func(id string) {
		if e := attach(t, client, 6, &pluginpb.AttachRequest{Id: id, ContentType: "image/png", Name: "a.png", Data: []byte("abc")}, "def"); e != nil {
			t.Fatal(e)
		}
	}
	read := func(a *sdk.Attachment) string { b, _ := io.ReadAll(a.Reader()); return string(b) }

	put("m1")
	out := svc.deliver(t.Context(), sendCall(t, 1, two, media(
		&pluginpb.AssignedMedium{Part: 1, Attachment: "m1", ContentType: "image/png", Name: "a.png", Size: 6},
		&pluginpb.AssignedMedium{Part: 2, Url: "https://gateway.example/media/2"})))
	if out.GetError() != nil || len(got.Media) != 2 || got.Media[0] != nil || read(got.Media[1]) != "abcdef" || got.Media[1].Size() != 6 {
		t.Fatalf("error %v, media %v", out.GetError(), got.Media)
	}
	if p := got.Envelope.Parts; p[1].ContentType != "image/png" || p[1].Size != 6 || p[1].Name != "a.png" || p[2].URL != "https://gateway.example/media/2" {
		t.Errorf("parts %+v", p)
	}
	if out := svc.deliver(t.Context(), sendCall(t, 2, two, media(&pluginpb.AssignedMedium{Part: 1, Attachment: "m1"}))); out.GetError().GetKind() != string(sdk.KindTransient) {
		t.Errorf("an attachment was used twice: %v", out)
	}

	put("m2")
	out = svc.deliver(t.Context(), sendCall(t, 3, two, media(&pluginpb.AssignedMedium{Part: 1, Attachment: "m2", Alone: true})))
	if out.GetError() != nil || len(got.Envelope.Parts) != 1 || got.Envelope.Parts[0].Ref != "r1" || len(got.Media) != 1 || read(got.Media[0]) != "abcdef" {
		t.Errorf("error %v, parts %+v, media %v", out.GetError(), got.Envelope.Parts, got.Media)
	}
}

func TestInvalidAttachmentsAreRefused(t *testing.T) {
	_, client := connect(t, &scripted{})
	for name, tc := range map[string]struct {
		size  int64
		first *pluginpb.AttachRequest
		want  sdk.ErrorKind
	}{
		"no id":     {3, &pluginpb.AttachRequest{Data: []byte("abc")}, sdk.KindInvalid},
		"too large": {sdk.MaxMediaBytes + 1, &pluginpb.AttachRequest{Id: "a"}, sdk.KindInvalid},
		"negative":  {-1, &pluginpb.AttachRequest{Id: "a"}, sdk.KindInvalid},
		"longer":    {2, &pluginpb.AttachRequest{Id: "a", Data: []byte("abc")}, sdk.KindInvalid},
		"shorter":   {4, &pluginpb.AttachRequest{Id: "a", Data: []byte("abc")}, sdk.KindTransient},
	} {
		t.Run(name, func(t *testing.T) {
			if e := attach(t, client, tc.size, tc.first); e.GetKind() != string(tc.want) {
				t.Errorf("error %v, want %s", e, tc.want)
			}
		})
	}
}

// Media of canceled deliveries must not block media of other deliveries.
func TestOldestAttachmentsAreDropped(t *testing.T) {
	var s attachments
	now := time.Now()
	half := sdk.NewAttachment("", "", make([]byte, maxAttachedBytes/2))
	for i, id := range []string{"b", "a", "c"} {
		s.put(id, half, now.Add(time.Duration(i)*time.Second))
	}
	for id, want := range map[string]bool{"a": true, "b": false, "c": true} {
		if (s.media[id] != nil) != want {
			t.Errorf("%s is stored: %t, want %t", id, !want, want)
		}
	}
	if s.bytes != maxAttachedBytes {
		t.Errorf("%d bytes", s.bytes)
	}
	s.put("a", sdk.NewAttachment("", "", []byte("x")), now.Add(3*time.Second))
	if len(s.media) != 2 || s.bytes != maxAttachedBytes/2+1 {
		t.Errorf("after a replacement: %d media, %d bytes", len(s.media), s.bytes)
	}
	s.put("d", sdk.NewAttachment("", "", []byte("x")), now.Add(maxAttachedAge+2*time.Second+1))
	if len(s.media) != 2 || s.bytes != 2 || s.media["c"] != nil {
		t.Errorf("abandoned media are still stored: %d media, %d bytes", len(s.media), s.bytes)
	}
}

// The gateway attaches all media of the delivery again.
func TestDeliveryWithAMissingMediumDropsItsOthers(t *testing.T) {
	var s attachments
	for _, id := range []string{"d1/0", "d1/2", "d2/0"} {
		s.put(id, sdk.NewAttachment("", "", []byte("x")), time.Now())
	}
	_, err := s.take([]*pluginpb.AssignedMedium{{Part: 0, Attachment: "d1/0"}, {Part: 1, Attachment: "d1/1"}, {Part: 2, Attachment: "d1/2"}})
	if sdk.KindOf(err) != sdk.KindTransient || err == nil || len(s.media) != 1 || s.bytes != 1 {
		t.Errorf("error %v, %d media, %d bytes; want the one of the other delivery", err, len(s.media), s.bytes)
	}
}
