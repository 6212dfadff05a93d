package native

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzCalls checks that the website and the proxy either accept and record a call, or refuse it with a status 4xx.
func FuzzCalls(f *testing.F) {
	for _, body := range []string{
		documentExample, `{}`, `null`, `{"userId":"u","messageId":"m","payload":{"botSay":"x","sender":{"role":"bot"}}}`,
		`{"userId":"u","messageId":"m","payload":{"media":[{"type":"image","url":"http://x/y"}],"sender":{"role":"agent"}}}`,
		`{"userId":"u","accessToken":"at","messageId":"m","payload":{"userSay":"","userInfo":{"id":"u"},` +
			`"event":{"type":"read"},"media":[{"type":"file","url":"http://x"}],"userData":{"customPayload":{"data":"d"}}}}`,
	} {
		for vendor := range uint8(2) {
			f.Add(vendor, body)
		}
	}
	f.Fuzz(func(t *testing.T, vendor uint8, body string) {
		site := New(Options{})
		defer site.Close()
		proxy := NewProxy(ProxyOptions{AccessToken: "at"})
		proxy.SetGateway("http://127.0.0.1:1")
		defer proxy.Close()
		handler, path := proxy.Handler(), proxyPath
		if vendor%2 == 1 {
			handler, path = site.Handler(), "/replies"
		}
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		accepted := site.AcceptedCalls(EndpointReply) + proxy.Calls.Len()
		if (w.Code == 200) != (accepted == 1) || w.Code != 200 && w.Code/100 != 4 {
			t.Errorf("response of %s: %d %s with %d calls accepted", path, w.Code, w.Body, accepted)
		}
	})
}
