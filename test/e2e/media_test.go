package e2e

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// randomImage returns a PNG image of random pixels. size is its width and height.
func randomImage(t *testing.T, size int) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, size, size))
	for i := range m.Pix {
		m.Pix[i] = uint8(rand.Uint32())
	}
	m.Set(0, 0, color.White)
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withImage adds a file to the customers' website, and returns an option that attaches it to a message as an image.
func (s *system) withImage(name, contentType string, data []byte) native.Option {
	path := s.Livechat.AddFile(name, contentType, data)
	return native.WithMedia(native.File{Type: "image", URL: s.LivechatURL() + path, Name: name, ContentType: contentType})
}

// awaitDeskFile waits until the agent sees a file of the customer, and returns its line and the file.
func (s *system) awaitDeskFile(t *testing.T, user string) (aicc.Line, aicc.File) {
	t.Helper()
	var line aicc.Line
	err := s.Desk.Events.Wait(harness.TestContext(t), func([]aicc.Event) bool {
		c, _ := s.Desk.Chat(deskID(user))
		for _, l := range c.Lines {
			if l.From == "customer" && l.File != "" {
				line = l
				return true
			}
		}
		return false
	})
	if err != nil {
		t.Fatalf("the agent sees no file: %v; sees %q", err, s.deskTexts(user))
	}
	f, ok := s.Desk.File(line.File)
	if !ok {
		t.Fatalf("the desk has no file %q", line.File)
	}
	return line, f
}

// awaitMedium waits until the customer gets a medium, and downloads it. It returns the medium, and the content and its
// type.
func (s *system) awaitMedium(t *testing.T, user string) (f native.File, content []byte, contentType string) {
	t.Helper()
	a := s.expectAnswer(t, user, "an image", func(a native.Answer) bool { return len(a.Payload.Media) > 0 })
	content, contentType, err := s.Livechat.Download(harness.TestContext(t), a.Payload.Media[0].URL)
	if err != nil {
		t.Fatalf("download %+v: %v", a.Payload.Media[0], err)
	}
	return a.Payload.Media[0], content, contentType
}

// Links to media are valid after a restart.
func TestImagesArriveInBothDirections(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	const user = "iris"
	s.say(t, user, "hello")
	s.expect(t, user, "bot", greeting)
	s.connectAgent(t, user)

	map1, map2 := randomImage(t, 64), randomImage(t, 300)
	if _, err := s.Desk.SendFile(deskID(user), "IMAGE", "png", map1); err != nil {
		t.Fatal(err)
	}
	file, got, contentType := s.awaitMedium(t, user)
	described := file.ContentType == "image/png" && file.Size == int64(len(map1))
	if !bytes.Equal(got, map1) || contentType != "image/png" || !described {
		t.Errorf("got %d bytes of %s for %+v, want %d", len(got), contentType, file, len(map1))
	}
	if !strings.HasPrefix(file.URL, s.Public+"/media/") {
		t.Errorf("the link is %s, want a link to the gateway", file.URL)
	}

	s.say(t, user, "Here it is", s.withImage("map.png", "image/png", map2))
	s.expectAtDesk(t, user, "Here it is")
	line, f := s.awaitDeskFile(t, user)
	if line.MediaType != "IMAGE" || !bytes.Equal(f.Content, map2) || f.Type != "png" {
		t.Errorf("the agent sees %+v with %d bytes of %s, want %d of png", line, len(f.Content), f.Type, len(map2))
	}

	s.expectNothingPending(t, user)
	s.Restart(t)
	if again, _, err := s.Livechat.Download(harness.TestContext(t), file.URL); err != nil || !bytes.Equal(again, map1) {
		t.Errorf("after the restart the link returns %d bytes, %v", len(again), err)
	}
	if n := s.Desk.AcceptedCalls(aicc.EndpointDownload); n != 1 {
		t.Errorf("the image was downloaded %d times, want once", n)
	}
	s.expectNoProblems(t)
}

// The trail contains the reason.
func TestUndeliverableImagesBecomeText(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	const user = "olaf"
	s.say(t, user, "hello")
	s.expect(t, user, "bot", greeting)
	s.connectAgent(t, user)
	for i, tc := range []struct {
		name, contentType string
		data              []byte
		reason            string
	}{
		{"page.png", "image/png", []byte("<!doctype html><script>alert(1)</script>"), "does not match the part type image"},
		{"big.png", "image/png", append(randomImage(t, 32), make([]byte, 3<<20)...), "the limit"},
		{"moved.png", "image/png", nil, "HTTP 404"},
	} {
		option := s.withImage(tc.name, tc.contentType, tc.data)
		if tc.data == nil {
			option = native.WithMedia(native.File{Type: "image", URL: s.LivechatURL() + "/files/nothing.png", Name: tc.name})
		}
		text, id := fmt.Sprintf("look at %d", i), fmt.Sprintf("olaf-%d", i)
		s.say(t, user, text, option, native.WithMessageID(id))
		s.expectAtDesk(t, user, text)
		err := s.Desk.Events.Wait(harness.TestContext(t), func([]aicc.Event) bool {
			return strings.Contains(strings.Join(s.deskTexts(user), "\n"), "[image] "+tc.name+" http")
		})
		if err != nil {
			t.Errorf("%s: %v; the agent sees %q", tc.name, err, s.deskTexts(user))
		}
		s.expectNothingPending(t, user)
		trace := fmt.Sprintf("%+v", s.Trace(t, id))
		if !strings.Contains(trace, "sent as text: image") || !strings.Contains(trace, tc.reason) {
			t.Errorf("%s: the trail does not contain %q", tc.name, tc.reason)
		}
	}
	if n := s.Desk.AcceptedCalls(aicc.EndpointUpload); n != 0 {
		t.Errorf("%d files were uploaded, want none", n)
	}
}

// The setting allow applies to the channel's calls, but not to links in customers' messages.
func TestLinksIntoPrivateNetworksAreNotFollowed(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{Define: map[string]string{"livechat": `
adapter: native
role: customer
owner: faq
allow: [127.0.0.0/8]
settings:
  organization: d8ai
  chatbot: d8ai_chatbot
  access_token: ${env:NATIVE_ACCESS_TOKEN}
  reply_url: ${env:LIVECHAT_URL}/replies
  reply_token: ${env:NATIVE_REPLY_TOKEN}`}})
	const user = "mallory"
	s.say(t, user, "hello")
	s.expect(t, user, "bot", greeting) // needs allow
	s.connectAgent(t, user)
	requests := make(chan struct{}, 100)
	private := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests <- struct{}{}
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(randomImage(t, 10))
	}))
	defer private.Close()
	byName := strings.Replace(private.URL, "127.0.0.1", "localhost", 1)
	for i, address := range []string{private.URL, byName} {
		text, id := fmt.Sprintf("what is this %d", i), fmt.Sprintf("mallory-%d", i)
		s.say(t, user, text, native.WithMessageID(id),
			native.WithMedia(native.File{Type: "image", URL: address + "/secrets.png", Name: "secrets.png"}))
		s.expectAtDesk(t, user, text)
		s.expectNothingPending(t, user)
		if seen := strings.Join(s.deskTexts(user), "\n"); !strings.Contains(seen, "[image] secrets.png "+address) {
			t.Errorf("%s: the agent sees %q, want text in place of the image", address, seen)
		}
		trace := fmt.Sprintf("%+v", s.Trace(t, id))
		for _, want := range []string{
			"sent as text: image", "target address is not public: 127.0.0.1 (loopback)", "allow_links",
		} {
			if !strings.Contains(trace, want) {
				t.Errorf("%s: the trail does not contain %q: %s", address, want, trace)
			}
		}
	}
	if n := len(requests); n != 0 {
		t.Errorf("the private host got %d requests", n)
	}
}

func TestHangingHostDoesNotDelayOtherImages(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{Settings: map[string][]string{"faq": {"media: base64"}}})
	hanging, release := make(chan struct{}, 1000), make(chan struct{})
	slowHost := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		hanging <- struct{}{}
		<-release
	}))
	defer slowHost.Close()
	defer close(release)
	address := strings.Replace(slowHost.URL, "127.0.0.1", "localhost", 1) // not the host of the customers' website
	for i := range 40 {
		s.say(t, fmt.Sprint("troll-", i), "look", native.WithMedia(native.File{
			Type: "image", URL: fmt.Sprintf("%s/%d.png", address, i), Name: "a.png"}))
	}
	withTimeout(t, harness.Timeout, "a request hangs", func(ctx context.Context) error {
		select {
		case <-hanging:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	data := randomImage(t, 30)
	s.say(t, "cleo", "what is this?", s.withImage("thing.png", "image/png", data))
	call := s.botCall(t, "what is this?")
	if m := call.Messages[len(call.Messages)-1].Media; len(m) != 1 || !bytes.Equal(m[0].Data, data) {
		t.Errorf("the bot got %+v, want the image", m)
	}
}

// After a failed upload, no call that had its effect is repeated.
func TestImageTransferIsRetried(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	const user = "pia"
	s.say(t, user, "hello")
	s.expect(t, user, "bot", greeting)
	s.connectAgent(t, user)
	data := randomImage(t, 40)

	s.Desk.Faults.Add(simulator.Fault{Kind: simulator.Status, Endpoint: aicc.EndpointDownload, Status: 503, Count: 2})
	if _, err := s.Desk.SendFile(deskID(user), "IMAGE", "png", data); err != nil {
		t.Fatal(err)
	}
	if _, got, _ := s.awaitMedium(t, user); !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, want %d", len(got), len(data))
	}
	trace := fmt.Sprintf("%+v", s.Trace(t, user))
	if !strings.Contains(trace, "not called: read image: ") || strings.Contains(trace, "attempt 1 failed: read") {
		t.Errorf("the trail counts fetches as attempts: %s", trace)
	}
	s.agentSays(t, user, "and this")
	s.expect(t, user, "agent", "and this")

	s.Desk.Faults.Add(simulator.Fault{Kind: simulator.Drop, Endpoint: aicc.EndpointUpload, Count: 1})
	s.Desk.Faults.Add(simulator.Fault{Kind: simulator.Status, Endpoint: aicc.EndpointSend, Status: 500, Count: 1})
	s.say(t, user, "mine", s.withImage("mine.png", "image/png", data))
	if _, f := s.awaitDeskFile(t, user); !bytes.Equal(f.Content, data) {
		t.Errorf("the agent sees %d bytes, want %d", len(f.Content), len(data))
	}
	s.expectNothingPending(t, user)
	images := 0
	c, _ := s.Desk.Chat(deskID(user))
	for _, l := range c.Lines {
		if l.From == "customer" && l.File != "" {
			images++
		}
	}
	if images != 1 {
		t.Errorf("the agent sees the image %d times, want once", images)
	}
}
