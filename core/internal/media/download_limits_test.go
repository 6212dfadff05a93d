package media

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// A download can take longer than the write timeout of the listener.
func TestDownloadsHaveASeparateTimeout(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(5000))
	link := b.Link(b.must("cat"))
	delayed := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(-time.Second)) // the listener's deadline has passed
		b.Handler().ServeHTTP(w, r)
	})
	srv := httptest.NewUnstartedServer(delayed)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	srv.Start()
	defer srv.Close()
	client := srv.Client()
	defer client.CloseIdleConnections()
	r, err := client.Get(srv.URL + strings.TrimPrefix(link, "https://chat.example.com/x"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if !bytes.Equal(body(t, r), picture(5000)) {
		t.Error("other bytes than the vendor's")
	}
}

// slowClient reads nothing until it is released.
type slowClient struct {
	*httptest.ResponseRecorder
	began, release chan struct{}
}

func TestDownloadsAreLimited(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(500))
	link := b.Link(b.must("cat"))
	began, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	for range maxDownloads {
		w := &slowClient{httptest.NewRecorder(), began, release}
		all.Go(func() {
			b.Handler().ServeHTTP(w, httptest.NewRequest("GET", strings.TrimPrefix(link, "https://chat.example.com/x"), nil))
		})
		<-began
	}
	r := b.sendRequest("GET", link)
	if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" ||
		r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("status %d, header %v", r.StatusCode, r.Header)
	}
	close(release)
	all.Wait()
	if r := b.sendRequest("GET", link); r.StatusCode != http.StatusOK {
		t.Errorf("status %d after the downloads ended", r.StatusCode)
	}
}

func (s *slowClient) Write(b []byte) (int, error) {
	s.began <- struct{}{}
	<-s.release
	return len(b), nil
}
