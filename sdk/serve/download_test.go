package serve

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

func TestTruncatedDownloadIsAnError(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half of ") // without Content-Length
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer srv.Close()
	_, client := connect(t, &scripted{})
	if _, err := client.Configure(t.Context(), &pluginpb.ConfigureRequest{
		Channel: &pluginpb.ChannelConfig{Name: "c", AllowLinks: []string{"127.0.0.0/8"}}}); err != nil {
		t.Fatal(err)
	}
	_, data, fault := fetch(t, client, &pluginpb.FetchRequest{Channel: "c", Part: &pluginpb.Part{Type: "image", Url: srv.URL + "/a.png"}})
	if fault.GetKind() != string(sdk.KindTransient) {
		t.Errorf("got %q, error %v; want transient", data, fault)
	}
}

func TestMediumPropertiesInAnotherEncodingAreReplaced(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/png; name=\"\xb2\xe2\"")
		if r.URL.Path == "/named" {
			w.Header().Set("Content-Disposition", "attachment; filename=\"\xb2\xe2\xca\xd4.png\"") // GBK
		}
		_, _ = io.WriteString(w, "meow")
	}))
	defer srv.Close()
	_, client := connect(t, &fetcher{fetch: func(context.Context, *sdk.FetchRequest) (*sdk.Medium, error) {
		return &sdk.Medium{ContentType: "image/png\xff", Name: "\xb2\xe2\xca\xd4.png", Body: io.NopCloser(strings.NewReader("meow"))}, nil
	}})
	if _, err := client.Configure(t.Context(), &pluginpb.ConfigureRequest{
		Channel: &pluginpb.ChannelConfig{Name: "c", AllowLinks: []string{"127.0.0.0/8"}}}); err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]*pluginpb.Part{
		"by the adapter": {Type: "image", Ref: "r"}, "in the link": {Type: "image", Url: srv.URL + "/%B2%E2%CA%D4.png"},
		"in a header": {Type: "image", Url: srv.URL + "/named"},
	} {
		t.Run(name, func(t *testing.T) {
			first, data, fault := fetch(t, client, &pluginpb.FetchRequest{Channel: "c", Part: part})
			if fault != nil || string(data) != "meow" || !strings.HasSuffix(first.GetName(), ".png") || !strings.HasPrefix(first.GetContentType(), "image/png") {
				t.Errorf("got %q, %v, error %v", data, first, fault)
			}
		})
	}
}

func TestFetchByLink(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/pics/cat.jpg", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			t.Error("a link was read with credentials")
		}
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = io.WriteString(w, "meow")
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/pics/cat.jpg", http.StatusFound) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/busy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	mux.HandleFunc("/private", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	srv := httptest.NewServer(mux)
	defer srv.Close()
	_, client := connect(t, &scripted{})
	for _, c := range []*pluginpb.ChannelConfig{
		{Name: "open", AllowLinks: []string{"127.0.0.0/8"}}, {Name: "guarded"}, {Name: "vendor inside", Allow: []string{"127.0.0.0/8"}},
		{Name: "elsewhere", Allow: []string{"127.0.0.0/8"}, AllowLinks: []string{"10.0.0.0/8"}},
	} {
		r, err := client.Configure(t.Context(), &pluginpb.ConfigureRequest{Channel: c})
		if err != nil || r.GetError() != nil {
			t.Fatal(err, r.GetError())
		}
	}
	for name, tc := range map[string]struct {
		channel, url string
		want         sdk.ErrorKind
	}{
		"link":                {"open", srv.URL + "/pics/cat.jpg", ""},
		"redirect":            {"open", srv.URL + "/moved", ""},
		"redirect loop":       {"open", srv.URL + "/loop", sdk.KindTransient},
		"not allowed":         {"guarded", srv.URL + "/pics/cat.jpg", sdk.KindPermanent},
		"vendor's host":       {"vendor inside", srv.URL + "/pics/cat.jpg", sdk.KindPermanent},
		"elsewhere":           {"elsewhere", srv.URL + "/pics/cat.jpg", sdk.KindPermanent},
		"busy":                {"open", srv.URL + "/busy", sdk.KindTransient},
		"gone":                {"open", srv.URL + "/nothing", sdk.KindPermanent},
		"unauthorized":        {"open", srv.URL + "/private", sdk.KindPermanent},
		"not an http address": {"open", "file:///etc/passwd", sdk.KindUnsupported},
		"no channel":          {"other", srv.URL + "/pics/cat.jpg", sdk.KindTransient},
	} {
		t.Run(name, func(t *testing.T) {
			first, data, fault := fetch(t, client, &pluginpb.FetchRequest{
				Channel: tc.channel, Part: &pluginpb.Part{Type: "image", Url: tc.url}})
			if tc.want != "" {
				if fault.GetKind() != string(tc.want) || strings.Contains(fault.GetText(), srv.URL) {
					t.Errorf("error %v, want %s, and without the link", fault, tc.want)
				}
				if forbidden := tc.channel != "open" && tc.channel != "other"; forbidden && !strings.Contains(fault.GetText(), "allow_links: [127.0.0.1/32]") {
					t.Errorf("error %v does not name the setting", fault)
				}
				return
			}
			if fault != nil || string(data) != "meow" || first.GetContentType() != "image/jpeg" || first.GetName() != "cat.jpg" && name == "link" {
				t.Errorf("got %q, %v, error %v", data, first, fault)
			}
		})
	}
}
