package media

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/sdk/envelope"
)

// A slow vendor uses the fetches of its channel. Another channel can fetch.
func TestFetchesAreLimitedPerChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, func(o *Options) { o.TotalBytes = 1 << 20 })
		m := png1(100)
		m.wait = make(chan struct{})
		var all sync.WaitGroup
		for n := range 3 * fetchesPerChannel {
			ref := fmt.Sprint("slow", n)
			b.vendor.put(ref, m)
			all.Go(func() { b.must(ref) })
		}
		synctest.Wait()
		if b.vendor.most != fetchesPerChannel {
			t.Errorf("%d concurrent fetches, want %d", b.vendor.most, fetchesPerChannel)
		}
		b.vendor.put("quick", png1(100))
		other := request(envelope.PartImage, "quick")
		other.Channel = "livechat"
		if _, err := b.Get(t.Context(), other, Limit{}); err != nil {
			t.Errorf("another channel: %v", err)
		}
		close(m.wait)
		all.Wait()
		if _, items := b.counts.stored(); items != 3*fetchesPerChannel+1 {
			t.Errorf("%d items", items)
		}
	})
}

// Fetches from slow hosts are limited. They delay neither links to other hosts nor vendor references.
func TestSlowHostsDelayNoOthers(t *testing.T) {
	for name, tc := range map[string]struct {
		links   string // format with a number
		n       int
		most    int // expected maximum of concurrent fetches
		proceed []string
	}{
		"one host": {"https://tarpit.example/%d.png", 3 * linksPerHost, linksPerHost,
			[]string{"https://files.example/cat.png", ""}},
		"one host in many spellings": {"https://%[1]d@TarPit.Example.:4%03[1]d/a.png", 3 * linksPerHost, linksPerHost,
			[]string{"https://files.tarpit.example/cat.png", "https://[2001:db8::1]/cat.png"}},
		"no host":    {"https://:%d/a.png", 3 * linksPerHost, linksPerHost, []string{"https://files.example/cat.png"}},
		"many hosts": {"https://tarpit-%d.example/a.png", 2 * linksPerChannel, linksPerChannel, []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := open(t, func(o *Options) { o.TotalBytes = 4 << 20 })
				m := png1(100)
				m.wait = make(chan struct{})
				var all sync.WaitGroup
				for n := range tc.n {
					link := request(envelope.PartImage, "")
					link.Part.URL = fmt.Sprintf(tc.links, n)
					b.vendor.put(link.Part.URL, m)
					all.Go(func() {
						if _, err := b.Get(t.Context(), link, Limit{}); err != nil {
							t.Error(err)
						}
					})
				}
				synctest.Wait()
				if b.vendor.most != tc.most {
					t.Errorf("%d concurrent fetches, want %d", b.vendor.most, tc.most)
				}
				b.vendor.put("cat", png1(100))
				for _, link := range tc.proceed { // "" is a vendor reference
					req := request(envelope.PartImage, "cat")
					if link != "" {
						req.Part.Ref, req.Part.URL = "", link
						b.vendor.put(link, png1(100))
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					if _, err := b.Get(ctx, req, Limit{}); err != nil {
						t.Errorf("%q of the same channel: %v", link, err)
					}
					cancel()
				}
				close(m.wait)
				all.Wait()
				synctest.Wait()
				if len(b.limiters) != 0 {
					t.Errorf("%d unused limiters remain", len(b.limiters))
				}
			})
		})
	}
}

// A caller whose context ends while it waits for a limiter takes no slot.
func TestCanceledCallerTakesNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, func(o *Options) { o.TotalBytes = 4 << 20 })
		m := png1(100)
		m.wait = make(chan struct{})
		get := func(ctx context.Context, n int) error {
			link := request(envelope.PartImage, "")
			link.Part.URL = fmt.Sprintf("https://tarpit.example/%d.png", n)
			b.vendor.put(link.Part.URL, m)
			_, err := b.Get(ctx, link, Limit{})
			return err
		}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for n := range 2 * linksPerHost {
			all.Go(func() {
				if err := get(ctx, n); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		cancel()
		all.Wait()
		synctest.Wait()
		if len(b.limiters) != 0 || b.vendor.active != 0 {
			t.Errorf("%d limiters, %d active fetches", len(b.limiters), b.vendor.active)
		}
		close(m.wait)
		if err := get(t.Context(), 1); err != nil {
			t.Error(err)
		}
	})
}
