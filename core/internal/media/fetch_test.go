package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

func TestGetReadsOnce(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(5500))
	first := b.must("cat")
	if diff := cmp.Diff(Info{ContentType: "image/png", Name: "cat.png", Size: 5500}, first.Info); diff != "" {
		t.Errorf("info (-want +got)\n%s", diff)
	}
	if !bytes.Equal(content(t, first), picture(5500)) {
		t.Error("other bytes than the vendor's")
	}
	if second := b.must("cat"); second != first {
		t.Error("it was read again")
	}
	if n := b.vendor.requests("cat"); n != 1 {
		t.Errorf("the vendor was asked %d times", n)
	}
	want := request(envelope.PartImage, "cat")
	want.MaxBytes = 20_000
	if diff := cmp.Diff([]Request{want}, b.vendor.asked); diff != "" {
		t.Errorf("request (-want +got)\n%s", diff)
	}
	if got := b.counts.results(); !slices.Equal(got, []string{"desk ok"}) {
		t.Errorf("counted %v", got)
	}
	if bytes, items := b.counts.stored(); bytes != room(5500) || items != 1 {
		t.Errorf("stored %d bytes in %d items", bytes, items)
	}
}

// Media are told apart by channel, thread, and link or reference; nothing else of a part matters.
func TestGetTellsMediaApart(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	base := request(envelope.PartImage, "cat")
	for _, tc := range []struct {
		name   string
		change func(*Request)
		same   bool
	}{
		{"text and state", func(r *Request) { r.Part.Text, r.State = "my cat", nil }, true},
		{"part type", func(r *Request) { r.Part.Type = envelope.PartFile }, true},
		{"channel", func(r *Request) { r.Channel = "desk2" }, false},
		{"thread", func(r *Request) { r.Thread = "t2" }, false},
		{"border of channel and thread", func(r *Request) { r.Channel, r.Thread = "deskt", "1" }, false},
		{"link", func(r *Request) { r.Part.Ref, r.Part.URL = "", "cat" }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			first := b.must("cat")
			req := base
			tc.change(&req)
			got, err := b.Get(t.Context(), req, Limit{})
			if err != nil {
				t.Fatal(err)
			}
			if (got == first) != tc.same {
				t.Errorf("same = %t, want %t", got == first, tc.same)
			}
		})
	}
}

// What the vendor says with the bytes goes before what the message said of them.
func TestFactsOfThePart(t *testing.T) {
	b := open(t)
	for _, tc := range []struct {
		name       string
		part, info Info
		want       Info
	}{
		{"from the message", Info{docx, "letter", 1}, Info{}, Info{docx, "letter.docx", 4}},
		{"types that say nothing", Info{docx, "a.docx", 1}, Info{ContentType: "binary/octet-stream", Name: "/"}, Info{docx, "a.docx", 4}},
		{"from the vendor", Info{docx, "letter", 1}, Info{"application/epub+zip", "book.epub", 9}, Info{"application/epub+zip", "book.epub", 4}},
		{"from nobody", Info{}, Info{}, Info{"application/zip", "file.zip", 4}},
	} {
		b.vendor.put(tc.name, medium{Info: tc.info, data: []byte("PK\x03\x04")})
		req := request(envelope.PartFile, tc.name)
		req.Part.ContentType, req.Part.Name, req.Part.Size = tc.part.ContentType, tc.part.Name, tc.part.Size
		got, err := b.Get(t.Context(), req, Limit{})
		if err != nil || got.Info != tc.want {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
	}
}

func TestGetRefuses(t *testing.T) {
	gone := &sdk.Error{Kind: sdk.KindGone, Op: "fetch medium"}
	unsupported := &sdk.Error{Kind: sdk.KindUnsupported, Op: "fetch medium", Text: "the medium has more than 20000 bytes"}
	later := &sdk.Error{Kind: sdk.KindThrottled, After: time.Minute, Op: "fetch medium"}
	has := map[string]medium{
		"ok":          png1(1000),
		"exact":       png1(20_000),
		"large":       {Info: Info{ContentType: "image/png"}, data: picture(20_001)},
		"liar":        {Info: Info{ContentType: "image/png", Size: 5}, data: picture(20_001)},
		"large claim": {Info: Info{ContentType: "image/png", Size: 1 << 40}, data: picture(100)},
		"html":        {Info: Info{ContentType: "image/png"}, data: []byte("<!DOCTYPE html><script>alert(1)</script>")},
		"svg":         {Info: Info{ContentType: "image/png"}, data: []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`)},
		"true svg":    {Info: Info{ContentType: "image/svg+xml"}, data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)},
		"script":      {Info: Info{ContentType: "image/jpeg"}, data: []byte("alert(1)")},
		"noise":       {Info: Info{ContentType: "image/jpeg"}, data: []byte{0, 1, 2, 3, 4, 5}},
		"sound":       {Info: Info{ContentType: "image/jpeg"}, data: []byte("ID3\x04\x00\x00\x00\x00")},
		"nothing":     {Info: Info{ContentType: "image/png"}, data: []byte{}},
		"gone":        {err: gone},
		"unsupported": {err: unsupported},
		"half gone":   {data: picture(5000), err: gone},
		"later":       {data: picture(5000), err: later},
		"broken":      {data: picture(5000), err: errors.New("connection reset")},
	}
	for _, tc := range []struct {
		name    string // of a medium
		limit   Limit
		part    envelope.PartType // default image
		want    error             // nil is no error
		result  string
		lasting bool
		asked   int // of two tries
	}{
		{name: "ok", result: ResultOK, asked: 1},
		{name: "exact", result: ResultOK, asked: 1},
		{name: "ok", limit: Limit{Bytes: 1000, Types: []string{"image/gif", "image/*"}}, result: ResultOK, asked: 1},
		{name: "ok", limit: Limit{Types: []string{"IMAGE/PNG"}}, result: ResultOK, asked: 1},
		{name: "ok", limit: Limit{Types: []string{"*/*"}}, result: ResultOK, asked: 1},
		{name: "ok", limit: Limit{Bytes: 999}, want: &TooLargeError{Size: 1000, Limit: 999}, result: ResultOK, lasting: true, asked: 1},
		{name: "ok", limit: Limit{Types: []string{"image/gif", "video/*", "image/p*"}}, result: ResultOK, lasting: true, asked: 1,
			want: &TypeError{Part: "image", Declared: "image/png", Found: "image/png", Taken: []string{"image/gif", "video/*", "image/p*"}}},
		{name: "large", want: &TooLargeError{Size: 20_001, Limit: 20_000}, result: ResultTooLarge, lasting: true, asked: 1},
		{name: "liar", want: &TooLargeError{Size: 20_001, Limit: 20_000}, result: ResultTooLarge, lasting: true, asked: 1},
		{name: "large claim", want: &TooLargeError{Size: 1 << 40, Limit: 20_000}, result: ResultTooLarge, lasting: true, asked: 1},
		{name: "html", want: wrong("image/png", "text/html"), result: ResultWrongType, lasting: true, asked: 1},
		{name: "html", part: envelope.PartFile, result: ResultOK, asked: 1},
		{name: "svg", want: wrong("image/png", "image/svg+xml"), result: ResultWrongType, lasting: true, asked: 1},
		{name: "true svg", want: wrong("image/svg+xml", "image/svg+xml"), result: ResultWrongType, lasting: true, asked: 1},
		{name: "script", want: wrong("image/jpeg", "text/plain"), result: ResultWrongType, lasting: true, asked: 1},
		{name: "noise", want: wrong("image/jpeg", "application/octet-stream"), result: ResultWrongType, lasting: true, asked: 1},
		{name: "sound", want: wrong("image/jpeg", "audio/mpeg"), result: ResultWrongType, lasting: true, asked: 1},
		{name: "nothing", want: wrong("image/png", "text/plain"), result: ResultWrongType, lasting: true, asked: 1},
		{name: "gone", want: gone, result: ResultRefused, lasting: true, asked: 1},
		{name: "half gone", want: gone, result: ResultRefused, lasting: true, asked: 1},
		{name: "gone", want: ErrGone, result: ResultRefused, lasting: true, asked: 1},
		{name: "unsupported", want: unsupported, result: ResultRefused, lasting: true, asked: 1},
		{name: "later", want: later, result: ResultFailed, asked: 2},
		{name: "broken", want: has["broken"].err, result: ResultFailed, asked: 2},
	} {
		t.Run(fmt.Sprint(tc.name, tc.limit, tc.part), func(t *testing.T) {
			b := open(t)
			b.vendor.put("it", has[tc.name])
			req := request(envelope.PartImage, "it")
			if tc.part != "" {
				req.Part.Type = tc.part
			}
			for range 2 {
				_, err := b.Get(t.Context(), req, tc.limit)
				if !same(err, tc.want) || Lasting(err) != tc.lasting {
					t.Fatalf("error = %v (lasting %t), want %v (%t)", err, Lasting(err), tc.want, tc.lasting)
				}
			}
			if got := b.vendor.requests("it"); got != tc.asked {
				t.Errorf("the vendor was asked %d times, want %d", got, tc.asked)
			}
			if got := b.counts.results()[0]; got != "desk "+tc.result {
				t.Errorf("counted %q, want %q", got, tc.result)
			}
			b.expectTidy()
		})
	}
}

func wrong(declared, found string) error {
	return &TypeError{Part: envelope.PartImage, Declared: declared, Found: found}
}

// same reports whether err has the wanted one in its chain, or an equal one of the package's types.
func same(err, want error) bool {
	if want == nil || err == nil {
		return err == want
	}
	large, isLarge := errors.AsType[*TooLargeError](err)
	typed, isTyped := errors.AsType[*TypeError](err)
	return errors.Is(err, want) || isLarge && cmp.Equal(error(large), want) || isTyped && cmp.Equal(error(typed), want)
}

// expectTidy checks that what is on disk is what is counted, and that nothing half-written is left.
func (b *bench) expectTidy() {
	b.t.Helper()
	b.mu.Lock()
	items, used := len(b.items), b.used
	var want int64
	for _, i := range b.items {
		want += room(i.Size)
	}
	b.mu.Unlock()
	if used != want {
		b.t.Errorf("%d bytes are counted, there are %d", used, want)
	}
	if data, records, temp := b.files(dataSuffix), b.files(recordSuffix), b.files(tempSuffix); len(data) != items ||
		len(records) != items || len(temp) != 0 {
		b.t.Errorf("%d items, on disk %v %v %v", items, data, records, temp)
	}
}

func TestGetWantsAMedium(t *testing.T) {
	b := open(t)
	for name, part := range map[string]envelope.Part{
		"no handle": {Type: envelope.PartImage}, "text": {Type: envelope.PartText, Ref: "r"}, "location": {Type: envelope.PartLocation, URL: "u"},
	} {
		_, err := b.Get(t.Context(), Request{Channel: "desk", Part: part}, Limit{})
		if sdk.KindOf(err) != sdk.KindInvalid || !Lasting(err) || !strings.Contains(err.Error(), "channel desk") {
			t.Errorf("%s: error = %v", name, err)
		}
	}
	if len(b.vendor.asked) > 0 {
		t.Errorf("the vendor was asked for %+v", b.vendor.asked)
	}
}

// A refusal holds for five minutes, so that an operator who has changed something at the vendor can have it.
func TestRefusalsLapse(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", medium{err: &sdk.Error{Kind: sdk.KindPermanent}})
	get := func() error {
		_, err := b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{})
		return err
	}
	if err := get(); sdk.KindOf(err) != sdk.KindPermanent {
		t.Fatalf("error = %v", err)
	}
	b.vendor.put("cat", png1(100))
	b.clock.pass(refusedFor - time.Second)
	if err := get(); sdk.KindOf(err) != sdk.KindPermanent {
		t.Errorf("before: error = %v", err)
	}
	b.clock.pass(time.Second)
	b.sweep()
	if len(b.refused) != 0 {
		t.Error("the refusal is still remembered")
	}
	if err := get(); err != nil {
		t.Errorf("after: %v", err)
	}
}

func TestSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		m := png1(5000)
		m.wait = make(chan struct{})
		b.vendor.put("cat", m)
		const callers = 50
		items := make([]*Item, callers)
		errs := make([]error, callers)
		var all sync.WaitGroup
		for n := range callers {
			all.Go(func() { items[n], errs[n] = b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{}) })
		}
		synctest.Wait()
		close(m.wait)
		all.Wait()
		for n := range callers {
			if errs[n] != nil || items[n] == nil || items[n] != items[0] {
				t.Errorf("caller %d: %v, %v", n, items[n], errs[n])
			}
		}
		if got := b.vendor.requests("cat"); got != 1 {
			t.Errorf("the vendor was asked %d times", got)
		}
		b.expectTidy()
	})
}

func TestOneCallersEndIsNotTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		m := png1(5000)
		m.wait = make(chan struct{})
		b.vendor.put("cat", m)
		first, cancel := context.WithCancel(t.Context())
		var firstErr, secondErr error
		var all sync.WaitGroup
		all.Go(func() { _, firstErr = b.Get(first, request(envelope.PartImage, "cat"), Limit{}) })
		synctest.Wait()
		all.Go(func() { _, secondErr = b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{}) })
		synctest.Wait()
		cancel() // who began it goes
		synctest.Wait()
		if !errors.Is(firstErr, context.Canceled) || Lasting(firstErr) {
			t.Errorf("first: %v", firstErr)
		}
		close(m.wait)
		all.Wait()
		if secondErr != nil || b.vendor.requests("cat") != 1 {
			t.Errorf("second: %v, after %d requests", secondErr, b.vendor.requests("cat"))
		}
	})
}

func TestFlightEndsWhenNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		m := png1(5000)
		m.wait = make(chan struct{}) // never closed
		b.vendor.put("cat", m)
		var all sync.WaitGroup
		for n := range 3 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n+1)*time.Second)
				defer cancel()
				if _, err := b.Get(ctx, request(envelope.PartImage, "cat"), Limit{}); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error = %v", err)
				}
			})
		}
		all.Wait()
		synctest.Wait()
		if b.vendor.active != 0 {
			t.Fatal("the vendor is still being read")
		}
		if got := b.counts.results(); !slices.Equal(got, []string{"desk abandoned"}) {
			t.Errorf("counted %v", got)
		}
		b.expectTidy()
		b.vendor.put("cat", png1(5000))
		b.must("cat") // who comes later begins anew
		if got := b.vendor.requests("cat"); got != 2 {
			t.Errorf("the vendor was asked %d times", got)
		}
	})
}

// One who comes while an abandoned flight is still ending gets a flight of its own.
func TestGetAfterAbandonment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		slow := &deaf{vendor: b.vendor, goOn: make(chan struct{})}
		b.reopen(func(o *Options) { o.Source = slow })
		b.vendor.put("cat", png1(5000))
		ctx, cancel := context.WithCancel(t.Context())
		var firstErr error
		var all sync.WaitGroup
		all.Go(func() { _, firstErr = b.Get(ctx, request(envelope.PartImage, "cat"), Limit{}) })
		synctest.Wait()
		cancel()
		all.Wait()
		var second *Item
		all.Go(func() { second = b.must("cat") })
		synctest.Wait()
		close(slow.goOn)
		all.Wait()
		synctest.Wait()
		if !errors.Is(firstErr, context.Canceled) || second == nil || b.vendor.requests("cat") != 2 {
			t.Errorf("first %v, second %v, %d requests", firstErr, second, b.vendor.requests("cat"))
		}
		if !bytes.Equal(content(t, second), picture(5000)) {
			t.Error("other bytes than the vendor's")
		}
		b.expectTidy()
	})
}

// The end of an abandoned flight leaves alone the one that has taken its place.
func TestAbandonedFlightLands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		slow := &deaf{vendor: b.vendor, goOn: make(chan struct{})}
		b.reopen(func(o *Options) { o.Source = slow })
		b.vendor.put("cat", medium{err: errors.New("connection reset")})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { _, _ = b.Get(ctx, request(envelope.PartImage, "cat"), Limit{}) })
		synctest.Wait()
		cancel()
		synctest.Wait()
		errs := make([]error, 2)
		get := func(n int) { _, errs[n] = b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{}) }
		all.Go(func() { get(0) })
		synctest.Wait()
		slow.goOn <- struct{}{} // the first that waits goes on, and fails
		synctest.Wait()
		all.Go(func() { get(1) })
		synctest.Wait()
		b.vendor.put("cat", png1(100))
		close(slow.goOn)
		all.Wait()
		if n := b.vendor.requests("cat"); n != 2 || errs[0] != nil || errs[1] != nil {
			t.Errorf("%d requests; errors %v", n, errs)
		}
	})
}

// A source may word the errors of its callbacks as it likes; why a medium is refused is known all the same.
func TestSourceThatWordsErrorsAnew(t *testing.T) {
	b := open(t)
	b.reopen(func(o *Options) { o.Source = gruff{b.vendor} })
	b.vendor.put("cat", png1(20_001))
	_, err := b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{})
	if !same(err, &TooLargeError{Size: 20_001, Limit: 20_000}) {
		t.Errorf("error = %v", err)
	}
	b.vendor.put("dog", medium{Info: Info{Size: 20_001}, data: picture(100)})
	b.reopen(func(o *Options) { o.Source = careless{b.vendor} })
	if _, err := b.Get(t.Context(), request(envelope.PartImage, "dog"), Limit{}); !same(err, &TooLargeError{Size: 20_001, Limit: 20_000}) {
		t.Errorf("error = %v", err)
	}
	b.expectTidy()
}

// gruff is a source that says nothing but that it failed.
type gruff struct{ *vendor }

func (g gruff) Fetch(ctx context.Context, req Request, info func(Info) error, chunk func([]byte) error) error {
	if g.vendor.Fetch(ctx, req, info, chunk) != nil {
		return errors.New("failed")
	}
	return nil
}

// careless is a source that goes on whatever its callbacks return.
type careless struct{ *vendor }

func (c careless) Fetch(ctx context.Context, req Request, info func(Info) error, chunk func([]byte) error) error {
	return c.vendor.Fetch(ctx, req, func(i Info) error { _ = info(i); return nil }, func(p []byte) error { _ = chunk(p); return nil })
}

// deaf is a source that does not hear its context. Each call waits for goOn.
type deaf struct {
	*vendor
	goOn chan struct{}
}

func (d *deaf) Fetch(_ context.Context, req Request, info func(Info) error, chunk func([]byte) error) error {
	<-d.goOn
	return d.vendor.Fetch(context.Background(), req, info, chunk)
}

// A channel reads eight media at a time; that its vendor hangs does not concern another channel.
func TestFetchesAreBoundedPerChannel(t *testing.T) {
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
			t.Errorf("%d at once, want %d", b.vendor.most, fetchesPerChannel)
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

// Links lead wherever a customer likes, also to hosts that hang: they hold up neither other hosts' links nor what the vendor
// itself has, and they are bounded all the same.
func TestHangingHostsHoldUpNoOthers(t *testing.T) {
	for name, tc := range map[string]struct {
		links string // with a number
		n     int
		most  int // that are read at once
		goOn  []string
	}{
		"one host": {"https://tarpit.example/%d.png", 3 * linksPerHost, linksPerHost, []string{"https://files.example/cat.png", ""}},
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
					t.Errorf("%d at once, want %d", b.vendor.most, tc.most)
				}
				b.vendor.put("cat", png1(100))
				for _, link := range tc.goOn { // "" is a handle of the vendor's
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
				if len(b.gates) != 0 {
					t.Errorf("%d gates are kept that nobody uses", len(b.gates))
				}
			})
		})
	}
}

// Who goes while it waits at a gate leaves no place taken.
func TestWaitingAtAGateEnds(t *testing.T) {
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
		if len(b.gates) != 0 || b.vendor.active != 0 {
			t.Errorf("%d gates, %d are read", len(b.gates), b.vendor.active)
		}
		close(m.wait)
		if err := get(t.Context(), 1); err != nil {
			t.Error(err)
		}
	})
}

func TestRunEndsWhatIsBeingRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		m := png1(5000)
		m.wait = make(chan struct{}) // never closed
		b.vendor.put("cat", m)
		stop := b.run()
		var err error
		var all sync.WaitGroup
		all.Go(func() { _, err = b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{}) })
		synctest.Wait()
		stop()
		if b.vendor.active != 0 {
			t.Error("Run has returned before what was being read had ended")
		}
		all.Wait()
		if !errors.Is(err, ErrClosed) || Lasting(err) {
			t.Errorf("error = %v", err)
		}
		if _, err := b.Get(t.Context(), request(envelope.PartImage, "dog"), Limit{}); !errors.Is(err, ErrClosed) {
			t.Errorf("afterwards: %v", err)
		}
		b.expectTidy()
	})
}
