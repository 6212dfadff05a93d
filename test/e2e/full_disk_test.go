package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"patchbay/sandbox/simulator"
	"patchbay/test/harness"

	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
)

// smallDisk mounts a disk of 24 MiB, which needs root (or CAP_SYS_ADMIN), as containers for tests have.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Fatalf("mount a small disk on %s: %v; run this test as root, or in a container that may mount", dir, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// fill leaves so many bytes on the disk, and returns what makes room again.
func fillDisk(t *testing.T, dir string, left int64) (empty func()) {
	t.Helper()
	file, err := os.Create(filepath.Join(dir, "of-another-program"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := file.Write(block); errors.Is(err, unix.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if info, err := file.Stat(); err != nil || file.Truncate(info.Size()-left) != nil {
		t.Fatalf("leave %d bytes on the disk: %v", left, err)
	}
	return func() {
		if err := os.Remove(file.Name()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDiskFull: a full disk makes the gateway refuse before anything is lost, in each vendor's form, and it recovers by
// itself as soon as there is room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	s := newSystem(t, harness.Vendors{}, harness.Config{Verify: harness.Bearer, Store: filepath.Join(disk, "store")})
	s.say(t, "ann", "before")
	s.expect(t, "ann", "bot", "You said: before")

	// Taken in, but not yet delivered, when the disk is full.
	s.Bots.Faults.Add(simulator.Fault{Kind: simulator.Hang, Endpoint: botwebhook.EndpointMessage})
	var taken []string
	for i := range 5 {
		text := fmt.Sprintf("waiting %d", i)
		s.say(t, "ann", text)
		taken = append(taken, text)
	}
	within(t, harness.Patience, "a call hangs", func(ctx context.Context) error {
		return s.Bots.Faults.Hits.Wait(ctx, func(all []simulator.Hit) bool { return len(all) > 0 })
	})
	empty := fillDisk(t, disk, 0)

	// From now on a message is either taken, and then it arrives, or refused.
	harness.Eventually(t, harness.Patience, "messages are refused", func() string {
		text := fmt.Sprintf("while it fills up %d", len(taken))
		status, body, err := s.Livechat.Say(t.Context(), "ann", text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if status == http.StatusOK {
			taken = append(taken, text)
			return "status 200"
		}
		if status != http.StatusServiceUnavailable {
			t.Fatalf("%q: status %d, %s; want 200 or 503", text, status, body)
		}
		return ""
	})
	for _, v := range vendors {
		if no := s.request(t, v, v.valid(s)); no.status != http.StatusServiceUnavailable || no.retryAfter == "" {
			t.Errorf("%s on a full disk: %+v, want 503 with Retry-After", v.name, no)
		}
	}
	if status, body := s.Ready(); status != http.StatusServiceUnavailable || !strings.Contains(body, "[-] store: ") ||
		!strings.HasSuffix(body, "\nnot ready\n") {
		t.Errorf("readyz on a full disk: %d\n%swant 503 and why", status, body)
	}
	s.Bots.Faults.Clear()
	empty()
	harness.Eventually(t, harness.Patience, "the gateway is ready again", func() string {
		if status, body := s.Ready(); status != http.StatusOK {
			return body
		}
		return ""
	})
	s.say(t, "ann", "after")
	for _, text := range append(taken, "after") {
		s.expect(t, "ann", "bot", "You said: "+text)
	}
	s.expectNothingPending(t, "ann")
	var asked []string
	for _, a := range s.Bots.Asked.All() {
		asked = append(asked, botwebhook.Question(a.Messages))
	}
	if want := append(append([]string{"before"}, taken...), "after"); fmt.Sprint(asked) != fmt.Sprint(want) {
		t.Errorf("the bot was asked %q, want %q", asked, want)
	}
	s.Restart(t)
	s.say(t, "ann", "after the restart")
	s.expect(t, "ann", "bot", "You said: after the restart")
}

// TestPicturesOnAFullDisk: there is less room than is left to the log, so pictures become words, and nothing else suffers;
// when there is room again they are pictures.
func TestPicturesOnAFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	s := newSystem(t, harness.Vendors{}, harness.Config{
		Store: filepath.Join(disk, "store"), Settings: map[string][]string{"faq": {"media: base64"}},
		Extra: map[string][]string{"faq": {"delivery: {give_up: 6s}"}}, // so that a picture is waited for half as long
	})
	shows := func(user, text string, data []byte) botwebhook.Asked {
		t.Helper()
		s.say(t, user, text, s.withImage("photo.png", "image/png", data))
		return s.botCall(t, text)
	}
	photo := randomImage(t, 200)
	media := func(a botwebhook.Asked) []botwebhook.Media { return a.Messages[len(a.Messages)-1].Media }
	if m := media(shows("ann", "before", photo)); len(m) != 1 || !bytes.Equal(m[0].Data, photo) {
		t.Fatalf("the bot got %d pictures, want one", len(m))
	}

	// The log takes webhooks down to a twentieth of the disk, media end at a tenth.
	empty := fillDisk(t, disk, 1800<<10)
	const words = "while there is no room"
	s.say(t, "bea", words, native.WithMessageID("bea-1"), s.withImage("photo.png", "image/png", photo))
	within(t, harness.Patience, "the bot is asked in words", func(ctx context.Context) error {
		return s.Bots.Wait(ctx, func(all []botwebhook.Asked) bool {
			return slices.ContainsFunc(all, func(a botwebhook.Asked) bool {
				question := botwebhook.Question(a.Messages)
				return strings.HasPrefix(question, words) && strings.Contains(question, "[image] photo.png http") && len(media(a)) == 0
			})
		})
	})
	s.expectNothingPending(t, "bea")
	trace := fmt.Sprintf("%+v", s.Trace(t, "bea-1"))
	if !strings.Contains(trace, "no room for the medium") || !strings.Contains(trace, "not called: ") {
		t.Errorf("the trail does not say why: %s", trace)
	}
	if n := s.Metric(t, "patchbay_media_fetched_total", "channel", "livechat", "result", "no_room"); n == 0 {
		t.Error("it was not counted")
	}
	if status, body := s.Ready(); status != http.StatusOK {
		t.Errorf("readyz: %d\n%swant ready", status, body)
	}

	empty()
	if m := media(shows("cid", "after", photo)); len(m) != 1 || !bytes.Equal(m[0].Data, photo) {
		t.Errorf("the bot got %d pictures, want one", len(m))
	}
}
