package ingress

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"patchbay/core/internal/plugin"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// breakingAdapter returns an adapter that breaks on each webhook, and its handler. body is the maximum size of a body.
func breakingAdapter(t *testing.T, body int64) (*fake, *Handler) {
	t.Helper()
	f := &fake{receive: failsWith(fmt.Errorf("receive: %w", &plugin.GivenUpError{
		Name: "bot", Text: "panic: index out of range\nstack", Keep: &plugin.KeepOnce{},
		Redact: strings.NewReplacer("accessToken1", "[redacted]").Replace,
	}))}
	ep := f.endpoint()
	ep.MaxBody = body
	return f, f.handler(t, ep)
}

func TestWebhookThatBreaksTheAdapterIsKeptOnce(t *testing.T) {
	f, h := breakingAdapter(t, 1<<20)
	for range 3 {
		w := serve(h, request("POST", "/x/hooks/7?token=s3cret", `{"odd":true}`))
		if w.Code != 422 || w.Body.String() != `{"code":422,"msg":"the message cannot be processed"}` {
			t.Errorf("response %d %s, want 422 in the vendor's format", w.Code, w.Body)
		}
	}
	if len(f.kept) != 1 {
		t.Fatalf("kept %d times, want once", len(f.kept))
	}
	k := f.kept[0]
	e, err := protocol.DecodeEnvelope(k.envelope.Bytes)
	if err != nil || e.Kind != envelope.KindUnparsed || e.Channel != "faq" || string(e.Raw) != `{"odd":true}` ||
		e.Validate() != nil {
		t.Errorf("kept %+v, %v, %v", e, err, e.Validate())
	}
	if k.kind != "killed_adapter" || !strings.Contains(k.cause, "index out of range") ||
		strings.Contains(fmt.Sprint(e), "s3cret") {
		t.Errorf("kept as %q: %q, %+v", k.kind, k.cause, e)
	}
	if f.observed[0] != "refused bot killed_adapter" {
		t.Errorf("observed %v", f.observed)
	}
}

func TestKeptWebhookHasNoSecrets(t *testing.T) {
	for name, body := range map[string]string{
		"short":      `{"accessToken":"accessToken1"}`,
		"at the cut": strings.Repeat("x", envelope.MaxRawBytes-9) + `"accessToken1"}`,
	} {
		f, h := breakingAdapter(t, 1<<20)
		if w := serve(h, request("POST", "/x/hooks/accessToken1", body)); w.Code != 422 {
			t.Fatalf("%s: response %d %s", name, w.Code, w.Body)
		}
		e := f.kept[0].envelope.Envelope
		if strings.Contains(string(e.Raw), "accessToken1") || strings.HasSuffix(string(e.Raw), `"accessTo`) ||
			strings.Contains(e.Attributes["path"], "accessToken1") {
			t.Errorf("%s: kept %s with %v", name, e.Raw[max(0, len(e.Raw)-40):], e.Attributes)
		}
	}
}

func TestBeginningOfLargeWebhookIsKept(t *testing.T) {
	const limit = envelope.MaxRawBytes
	for size, kept := range map[int]int{limit: limit, limit + 1: limit, 300 << 10: limit, 800 << 10: limit} {
		f, h := breakingAdapter(t, 1<<20)
		if w := serve(h, request("POST", "/x/hooks/7", strings.Repeat("x", size))); w.Code != 422 {
			t.Fatalf("response %d %s", w.Code, w.Body)
		}
		e := f.kept[0].envelope.Envelope
		if len(e.Raw) != kept || (e.Attributes["raw_bytes"] != "") != (kept < size) {
			t.Errorf("%d bytes of %d kept, attributes %v", len(e.Raw), size, e.Attributes)
		}
	}
}

func TestWebhookThatCannotBeKeptIsNotGivenUp(t *testing.T) {
	f, h := breakingAdapter(t, 1<<20)
	f.keepError = errors.New("disk full")
	if w := serve(h, request("POST", "/x/hooks/7", "{}")); w.Code != 503 {
		t.Errorf("response %d, want 503 so that the vendor repeats it", w.Code)
	}
	f.keepError = nil
	if w := serve(h, request("POST", "/x/hooks/7", "{}")); w.Code != 422 || len(f.kept) != 2 {
		t.Errorf("response %d, tried to keep %d times", w.Code, len(f.kept))
	}
}

// A webhook that breaks the adapter needs no credentials. Without a limit, one caller could restart the adapter
// repeatedly.
func TestWebhooksThatBreakTheAdapterAreLimited(t *testing.T) {
	_, h := breakingAdapter(t, 1<<20)
	statuses := map[int]int{}
	for range 2 * failureBurst {
		statuses[serve(h, request("POST", "/x/hooks/7", "{}")).Code]++
	}
	if statuses[422] != failureBurst || statuses[429] != failureBurst {
		t.Errorf("statuses %v", statuses)
	}
}
