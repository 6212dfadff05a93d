package httpclient

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// client returns a client that is closed at the end of the test.
func client(t *testing.T, allow []netip.Prefix) *http.Client {
	t.Helper()
	c := New(allow)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func get(t *testing.T, c *http.Client, address string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(req)
}

func TestClientRefusesForbiddenAddresses(t *testing.T) {
	called := false
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer srv.Close()
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]", "[::1]", "LOCALHOST", "localhost.",
	} {
		t.Run(host, func(t *testing.T) {
			resp, err := get(t, client(t, nil), "http://"+host+":"+u.Port()+"/")
			if err == nil {
				_ = resp.Body.Close()
				t.Fatal("connected")
			}
			if host == "localhost." { // some resolvers cannot resolve it
				return
			}
			if !errors.Is(err, ErrForbiddenAddress) {
				t.Errorf("error %v", err)
			}
		})
	}
	if called {
		t.Error("the server was called")
	}
}

func TestClientCallsAllowedAddresses(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "hello "+r.Header.Get("X-Name"))
	}))
	defer srv.Close()
	resp, err := get(t, client(t, loopback), srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "hello " {
		t.Errorf("%q, %v", b, err)
	}
}

func TestClientFollowsNoRedirectAndUsesNoProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	var paths []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
	}))
	defer srv.Close()
	resp, err := get(t, client(t, loopback), srv.URL+"/start")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusFound || len(paths) != 1 {
		t.Errorf("status %d after %v", resp.StatusCode, paths)
	}
}

func TestClientLimitsBodies(t *testing.T) {
	for name, tc := range map[string]struct {
		size int
		err  error
	}{"at the limit": {MaxResponseBytes, nil}, "above": {MaxResponseBytes + 1, ErrResponseTooLarge}} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.Copy(w, io.LimitReader(zeros{}, int64(tc.size)))
			}))
			defer srv.Close()
			resp, err := get(t, client(t, loopback), srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			n, err := io.Copy(io.Discard, resp.Body)
			if !errors.Is(err, tc.err) || n != MaxResponseBytes {
				t.Errorf("read %d, %v", n, err)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestClientObeysTheContext(t *testing.T) {
	release := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		cancel()
		<-release
	}))
	defer srv.Close()
	defer close(release)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client(t, loopback).Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A link can be a secret. So the request after a redirect must not contain it in Referer.
func TestDownloaderSendsNoReferer(t *testing.T) {
	var header http.Header
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { header = r.Header }))
	defer elsewhere.Close()
	srv := httptest.NewServer(http.RedirectHandler(elsewhere.URL+"/there", http.StatusFound))
	defer srv.Close()
	c := NewDownloader(loopback, 100)
	defer c.CloseIdleConnections()
	resp, err := get(t, c, srv.URL+"/a.png?token=secret")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if header == nil || header.Get("Referer") != "" || header.Get("Authorization") != "" {
		t.Errorf("the second host got %v", header)
	}
}

// The client gives up a server that accepts the connection and does not respond.
func TestDownloaderLimitsTheWaitForAResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewDownloader(nil, 100)
		defer c.CloseIdleConnections()
		c.Transport.(*limitedTransport).base.DialContext = func(context.Context, string, string) (net.Conn, error) {
			silent, far := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, far) }()
			return silent, nil
		}
		began := time.Now()
		resp, err := get(t, c, "http://files.example/a.png")
		if err == nil {
			_ = resp.Body.Close()
		}
		if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() || time.Since(began) != headerTimeout {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestDownloaderChecksTheAddressOfRedirects(t *testing.T) {
	for _, to := range []string{"http://127.0.0.2:1/x", "http://[::1]:1/x", "http://169.254.169.254/latest/meta-data", "http://[::ffff:10.0.0.1]/"} {
		srv := httptest.NewServer(http.RedirectHandler(to, http.StatusFound))
		c := NewDownloader([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, 100)
		resp, err := get(t, c, srv.URL)
		if err == nil {
			_ = resp.Body.Close()
		}
		if !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("redirected to %s: %v", to, err)
		}
		c.CloseIdleConnections()
		srv.Close()
	}
}
