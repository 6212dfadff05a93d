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

// drawing is a picture of its own each time.
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

// attach has the customer's website serve a file, and returns it as the website sends it.
func (s *system) withImage(name, contentType string, data []byte) native.Option {
	path := s.Livechat.AddFile(name, contentType, data)
	return native.WithMedia(native.File{Type: "image", URL: s.LivechatURL() + path, Name: name, ContentType: contentType})
}

// shown returns when the agent sees a file of the customer's, and what is in it.
func (s *system) awaitDeskFile(t *testing.T, user string) (aicc.Line, aicc.File) {
	t.Helper()
	var line aicc.Line
	err := s.Desk.Wait(harness.Soon(t), func([]aicc.Event) bool {
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
		t.Fatalf("the desk does not know file %q", line.File)
	}
	return line, f
}

// pictured returns when the customer gets a medium, and what its link leads to.
func (s *system) awaitMedium(t *testing.T, user string) (native.File, native.Downloaded) {
	t.Helper()
	a := s.expectAnswer(t, user, "a picture", func(a native.Answer) bool { return len(a.Payload.Media) > 0 })
	got, err := s.Livechat.Download(harness.Soon(t), a.Payload.Media[0].URL)
	if err != nil {
		t.Fatalf("follow the link of %+v: %v", a.Payload.Media[0], err)
	}
	return a.Payload.Media[0], got
}

// TestPicturesBothWays: an image of the agent's reaches the chat page, and one of the customer's reaches the agent, each
// byte for byte; links go on working after a restart.
func TestPicturesBothWays(t *testing.T) {
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
	file, got := s.awaitMedium(t, user)
	if !bytes.Equal(got.Data, map1) || got.ContentType() != "image/png" || file.ContentType != "image/png" || file.Size != int64(len(map1)) {
		t.Errorf("got %d bytes of %s (announced %+v), want %d", len(got.Data), got.ContentType(), file, len(map1))
	}
	if !strings.HasPrefix(file.URL, s.Public+"/media/") {
		t.Errorf("the link is %s, want one of the gateway's", file.URL)
	}

	s.say(t, user, "Here it is", s.withImage("map.png", "image/png", map2))
	s.expectAtDesk(t, user, "Here it is")
	line, f := s.awaitDeskFile(t, user)
	if line.MediaType != "IMAGE" || !bytes.Equal(f.Content, map2) || f.Type != "png" {
		t.Errorf("the agent sees %+v with %d bytes of %s, want %d of png", line, len(f.Content), f.Type, len(map2))
	}

	s.expectNothingPending(t, user)
	s.Restart(t)
	if again, err := s.Livechat.Download(harness.Soon(t), file.URL); err != nil || !bytes.Equal(again.Data, map1) {
		t.Errorf("after the restart the link gives %d bytes, %v", len(again.Data), err)
	}
	if n := s.Desk.Taken(aicc.EndpointDownload); n != 1 {
		t.Errorf("the desk was asked %d times for the picture, want once", n)
	}
	s.expectNoProblems(t)
}

// TestPicturesThatCanNotBeCarried become words; the message arrives all the same, and the trail says why.
func TestPicturesThatCanNotBeCarried(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	const user = "olaf"
	s.say(t, user, "hello")
	s.expect(t, user, "bot", greeting)
	s.connectAgent(t, user)
	for i, tc := range []struct {
		name, contentType string
		data              []byte
		why               string
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
		err := s.Desk.Wait(harness.Soon(t), func([]aicc.Event) bool {
			return strings.Contains(strings.Join(s.deskTexts(user), "\n"), "[image] "+tc.name+" http")
		})
		if err != nil {
			t.Errorf("%s: %v; the agent sees %q", tc.name, err, s.deskTexts(user))
		}
		s.expectNothingPending(t, user)
		if trace := fmt.Sprintf("%+v", s.Trace(t, id)); !strings.Contains(trace, "sent as text: image") || !strings.Contains(trace, tc.why) {
			t.Errorf("%s: the trail does not say %q", tc.name, tc.why)
		}
	}
	if n := s.Desk.Taken(aicc.EndpointUpload); n != 0 {
		t.Errorf("%d files were uploaded, want none", n)
	}
}

// TestLinksIntoTheVendorsNetwork: what `allow` opens to the channel's calls stays closed to the links that customers write.
func TestLinksIntoTheVendorsNetwork(t *testing.T) {
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
	const user, words = "mallory", "what is in here"
	s.say(t, user, "hello")
	s.expect(t, user, "bot", greeting) // through allow
	s.connectAgent(t, user)
	asked := make(chan struct{}, 100)
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(randomImage(t, 10))
	}))
	defer inside.Close()
	outside := strings.Replace(inside.URL, "127.0.0.1", "localhost", 1)
	for i, address := range []string{inside.URL, outside} {
		text, id := fmt.Sprintf("%s %d", words, i), fmt.Sprintf("mallory-%d", i)
		s.say(t, user, text, native.WithMessageID(id),
			native.WithMedia(native.File{Type: "image", URL: address + "/secrets.png", Name: "secrets.png"}))
		s.expectAtDesk(t, user, text)
		s.expectNothingPending(t, user)
		if seen := strings.Join(s.deskTexts(user), "\n"); !strings.Contains(seen, "[image] secrets.png "+address) {
			t.Errorf("%s: the agent sees %q, want words in place of the picture", address, seen)
		}
		trace := fmt.Sprintf("%+v", s.Trace(t, id))
		if !strings.Contains(trace, "sent as text: image") || !strings.Contains(trace, "target address is not public: 127.0.0.1 (loopback)") ||
			!strings.Contains(trace, "allow_links") {
			t.Errorf("%s: the trail does not say why: %s", address, trace)
		}
	}
	if n := len(asked); n != 0 {
		t.Errorf("the host inside was asked %d times", n)
	}
}

// TestLinksToAHostThatHangs hold up no pictures of other customers, however many there are.
func TestLinksToAHostThatHangs(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{Settings: map[string][]string{"faq": {"media: base64"}}})
	held, release := make(chan struct{}, 1000), make(chan struct{})
	tarpit := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		held <- struct{}{}
		<-release
	}))
	defer tarpit.Close()
	defer close(release)
	address := strings.Replace(tarpit.URL, "127.0.0.1", "localhost", 1) // another host than the customers' website
	for i := range 40 {
		s.say(t, fmt.Sprint("troll-", i), "look", native.WithMedia(native.File{
			Type: "image", URL: fmt.Sprintf("%s/%d.png", address, i), Name: "a.png"}))
	}
	within(t, harness.Patience, "the host is asked", func(ctx context.Context) error {
		select {
		case <-held:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	data := randomImage(t, 30)
	s.say(t, "cleo", "what is this?", s.withImage("thing.png", "image/png", data))
	asked := s.botCall(t, "what is this?")
	if m := asked.Messages[len(asked.Messages)-1].Media; len(m) != 1 || !bytes.Equal(m[0].Data, data) {
		t.Errorf("the bot got %+v, want the picture", m)
	}
}

// TestPicturesWhenVendorsFail: a download that fails for now is tried again, one that is refused becomes words, and an
// upload that fails repeats nothing that had its effect.
func TestPicturesWhenVendorsFail(t *testing.T) {
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
	if _, got := s.awaitMedium(t, user); !bytes.Equal(got.Data, data) {
		t.Errorf("got %d bytes, want %d", len(got.Data), len(data))
	}
	trace := fmt.Sprintf("%+v", s.Trace(t, user))
	if !strings.Contains(trace, "not called: read image: ") || strings.Contains(trace, "attempt 1 failed: read") {
		t.Errorf("the trail does not tell tries to read from attempts: %s", trace)
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
	pictures := 0
	c, _ := s.Desk.Chat(deskID(user))
	for _, l := range c.Lines {
		if l.From == "customer" && l.File != "" {
			pictures++
		}
	}
	if pictures != 1 {
		t.Errorf("the agent sees the picture %d times, want once", pictures)
	}
}
