package native

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzArrivals checks that both ends accept a call completely or refuse it with a client error.
func FuzzArrivals(f *testing.F) {
	for _, body := range []string{
		whole, `{}`, `null`, `{"userId":"u","messageId":"m","payload":{"botSay":"x","sender":{"role":"bot"}}}`,
		`{"userId":"u","messageId":"m","payload":{"media":[{"type":"image","url":"http://x/y"}],"sender":{"role":"agent"}}}`,
		`{"userId":"u","accessToken":"at","messageId":"m","payload":{"userSay":"","userInfo":{"id":"u"},` +
			`"event":{"type":"read"},"media":[{"type":"file","url":"http://x"}],"userData":{"customPayload":{"data":"d"}}}}`,
	} {
		for end := range uint8(2) {
			f.Add(end, body)
		}
	}
	f.Fuzz(func(t *testing.T, end uint8, body string) {
		site := New(Options{})
		defer site.Close()
		proxy := NewProxy(ProxyOptions{AccessToken: "at"})
		proxy.Point("http://127.0.0.1:1")
		defer proxy.Close()
		handler, path := proxy.Handler(), proxyPath
		if end%2 == 1 {
			handler, path = site.Handler(), "/replies"
		}
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		taken := site.Taken(EndpointReply) + proxy.Asked.Len()
		if (w.Code == 200) != (taken == 1) || w.Code != 200 && w.Code/100 != 4 {
			t.Errorf("%s answered %d %s with %d taken", path, w.Code, w.Body, taken)
		}
	})
}
