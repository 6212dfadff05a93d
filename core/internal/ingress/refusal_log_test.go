package ingress

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk/protocol/pluginpb"
)

// lines decodes a JSON log.
func lines(t *testing.T, log *bytes.Buffer) []map[string]any {
	t.Helper()
	var out []map[string]any
	for _, l := range strings.Split(strings.TrimSpace(log.String()), "\n") {
		var m map[string]any
		if err := json.Unmarshal([]byte(l), &m); err != nil {
			t.Fatalf("line %q: %v", l, err)
		}
		out = append(out, m)
	}
	return out
}

func logged(t *testing.T, f *fake) (*Handler, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	h, err := New(Options{Endpoints: []Endpoint{f.endpoint()}, Writer: f, Observer: f, Logger: slog.New(slog.NewJSONHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return h, log
}

func TestRefusalsAreLoggedAtABoundedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, log := logged(t, &fake{receive: adapterSays(&pluginpb.Error{Kind: "unauthorized"})})
		for range 1000 {
			serve(h, request("POST", "/x/hooks/7", "{}"))
		}
		serve(h, request("GET", "/x/hooks/7", "")) // for another reason
		time.Sleep(time.Second)                    // of the bubble's clock
		serve(h, request("POST", "/x/hooks/7", "{}"))
		var got []string
		for _, l := range lines(t, log) {
			got = append(got, l["reason"].(string))
			if n, ok := l["left_out"]; ok && n != 995.0 {
				t.Errorf("%v lines left out, want 995", n)
			}
		}
		want := append(slices.Repeat([]string{"unauthorized"}, linesPerSecond), "method", "unauthorized", "unauthorized")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reasons logged differ:\n%s", diff)
		}
	})
}

func TestRefusedPathIsClippedInTheLog(t *testing.T) {
	h, log := logged(t, &fake{})
	serve(h, request("POST", "/"+strings.Repeat("é", 8000), "{}"))
	path, _ := lines(t, log)[0]["path"].(string)
	if len(path) > maxLoggedPath+len("…") || !strings.HasSuffix(path, "é…") {
		t.Errorf("path of %d bytes: %q", len(path), path)
	}
}

func TestFieldsOfTheConnectionAreLeftOut(t *testing.T) {
	f := &fake{}
	h, log := logged(t, f)
	res := &pluginpb.ReceiveResult{Answer: &pluginpb.HttpAnswer{Status: 202, Body: []byte("thanks"), ContentType: "text/plain\r\nX-Split: 1"}}
	for _, kv := range [][2]string{
		{"content-length", "1"}, {"Transfer-Encoding", "chunked"}, {"connection", "close"}, {"Upgrade", "h2c"}, {"Set-Cookie", "a=b"},
		{"Bad Name", "x"}, {"X-Split", "a\r\nb: c"}, {"", "x"}, {"x-vendor", "kept"}, {"Retry-After", "7"},
	} {
		res.Answer.Header = append(res.Answer.Header, &pluginpb.Header{Name: kv[0], Value: kv[1]})
	}
	f.receive = func(context.Context, *pluginpb.ReceiveCall) (*pluginpb.ReceiveResult, error) { return res, nil }
	for range 2 {
		w := serve(h, request("POST", "/x/hooks/7", "{}"))
		if diff := cmp.Diff(http.Header{"X-Vendor": {"kept"}, "Retry-After": {"7"}}, w.Header()); diff != "" || w.Code != 202 || w.Body.String() != "thanks" {
			t.Errorf("answer %d %q, header differs:\n%s", w.Code, w.Body, diff)
		}
	}
	said := map[string]int{}
	for _, l := range lines(t, log) {
		said[l["msg"].(string)+": "+l["field"].(string)]++
	}
	const msg = "field left out of the adapter's answers: "
	want := map[string]int{
		msg + "content-length": 1, msg + "Transfer-Encoding": 1, msg + "connection": 1, msg + "Upgrade": 1, msg + "Set-Cookie": 1, msg + "Bad Name": 1,
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("log differs:\n%s", diff)
	}
}
