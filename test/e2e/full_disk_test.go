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

// smallDisk mounts a disk of 24 MiB. It needs root or CAP_SYS_ADMIN.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Fatalf("mount a small disk on %s: %v; run this test as root or with CAP_SYS_ADMIN", dir, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// fillDisk fills a disk until it has free bytes. The returned function frees the space again.
func fillDisk(t *testing.T, dir string, free int64) (freeSpace func()) {
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
	if info, err := file.Stat(); err != nil || file.Truncate(info.Size()-free) != nil {
		t.Fatalf("leave %d free bytes on the disk: %v", free, err)
	}
	return func() {
		if err := os.Remove(file.Name()); err != nil {
			t.Fatal(err)
		}
	}
}

// The gateway accepts messages again when the disk has space, without a restart.
func TestFullDiskRefusesMessagesAndLosesNone(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	s := newSystem(t, harness.Vendors{}, harness.Config{Verify: harness.Bearer, Store: filepath.Join(disk, "store")})
	s.say(t, "ann", "before")
	s.expect(t, "ann", "bot", "You said: before")

	// These messages are accepted but not delivered when the disk is full.
	s.Bots.Faults.Add(simulator.Fault{Kind: simulator.Hang, Endpoint: botwebhook.EndpointMessage})
	var accepted []string
	for i := range 5 {
		text := fmt.Sprintf("pending %d", i)
		s.say(t, "ann", text)
		accepted = append(accepted, text)
	}
	withTimeout(t, harness.Timeout, "a call hangs", func(ctx context.Context) error {
		return s.Bots.Faults.Hits.Wait(ctx, func(all []simulator.Hit) bool { return len(all) > 0 })
	})
	freeSpace := fillDisk(t, disk, 0)

	accepted = append(accepted, s.sayUntilRefused(t, "ann")...)
	s.expectFullDisk(t)
	s.Bots.Faults.Clear()
	freeSpace()
	harness.Eventually(t, harness.Timeout, "the gateway is ready again", func() string {
		if status, body := s.Ready(); status != http.StatusOK {
			return body
		}
		return ""
	})
	s.say(t, "ann", "after")
	for _, text := range append(accepted, "after") {
		s.expect(t, "ann", "bot", "You said: "+text)
	}
	s.expectNothingPending(t, "ann")
	var questions []string
	for _, a := range s.Bots.SendCalls.All() {
		questions = append(questions, botwebhook.Question(a.Messages))
	}
	if want := append(append([]string{"before"}, accepted...), "after"); fmt.Sprint(questions) != fmt.Sprint(want) {
		t.Errorf("the bot got %q, want %q", questions, want)
	}
	s.Restart(t)
	s.say(t, "ann", "after the restart")
	s.expect(t, "ann", "bot", "You said: after the restart")
}

// sayUntilRefused sends messages until the gateway refuses one. It returns the accepted messages.
func (s *system) sayUntilRefused(t *testing.T, user string) (accepted []string) {
	t.Helper()
	harness.Eventually(t, harness.Timeout, "messages are refused", func() string {
		text := fmt.Sprintf("on the full disk %d", len(accepted))
		status, body, err := s.Livechat.Say(t.Context(), user, text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if status == http.StatusOK {
			accepted = append(accepted, text)
			return "status 200"
		}
		if status != http.StatusServiceUnavailable {
			t.Fatalf("%q: status %d, %s; want 200 or 503", text, status, body)
		}
		return ""
	})
	return accepted
}

// expectFullDisk checks that the gateway refuses each vendor's call in the vendor's format, and that it is not ready.
func (s *system) expectFullDisk(t *testing.T) {
	t.Helper()
	for _, v := range vendors {
		if result := s.request(t, v, v.valid(s)); result.status != http.StatusServiceUnavailable || result.retryAfter == "" {
			t.Errorf("%s on a full disk: %+v, want 503 with Retry-After", v.name, result)
		}
	}
	if status, body := s.Ready(); status != http.StatusServiceUnavailable || !strings.Contains(body, "[-] store: ") ||
		!strings.HasSuffix(body, "\nnot ready\n") {
		t.Errorf("readyz on a full disk: %d\n%swant 503 with the reason", status, body)
	}
}

// Media need more free space than the log, so messages are delivered when media cannot be stored.
func TestImagesBecomeTextOnAFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	s := newSystem(t, harness.Vendors{}, harness.Config{
		Store: filepath.Join(disk, "store"), Settings: map[string][]string{"faq": {"media: base64"}},
		Extra: map[string][]string{"faq": {"delivery: {give_up: 6s}"}}, // a fetch is retried for half of this time
	})
	send := func(user, text string, data []byte) botwebhook.SendCall {
		t.Helper()
		s.say(t, user, text, s.withImage("photo.png", "image/png", data))
		return s.botCall(t, text)
	}
	photo := randomImage(t, 200)
	media := func(a botwebhook.SendCall) []botwebhook.Media { return a.Messages[len(a.Messages)-1].Media }
	if m := media(send("ann", "before", photo)); len(m) != 1 || !bytes.Equal(m[0].Data, photo) {
		t.Fatalf("the bot got %d images, want 1", len(m))
	}

	// The log needs 5 % of free space, media need 10 %.
	freeSpace := fillDisk(t, disk, 1800<<10)
	const text = "without space"
	s.say(t, "bea", text, native.WithMessageID("bea-1"), s.withImage("photo.png", "image/png", photo))
	withTimeout(t, harness.Timeout, "the bot gets the image as text", func(ctx context.Context) error {
		return s.Bots.SendCalls.Wait(ctx, func(all []botwebhook.SendCall) bool {
			return slices.ContainsFunc(all, func(a botwebhook.SendCall) bool {
				question := botwebhook.Question(a.Messages)
				isText := strings.HasPrefix(question, text) && strings.Contains(question, "[image] photo.png http")
				return isText && len(media(a)) == 0
			})
		})
	})
	s.expectNothingPending(t, "bea")
	trace := fmt.Sprintf("%+v", s.Trace(t, "bea-1"))
	if !strings.Contains(trace, "no room for the medium") || !strings.Contains(trace, "not called: ") {
		t.Errorf("the trail has no reason: %s", trace)
	}
	if n := s.Metric(t, "patchbay_media_fetched_total", "channel", "livechat", "result", "no_room"); n == 0 {
		t.Error("patchbay_media_fetched_total does not count the fetch")
	}
	if status, body := s.Ready(); status != http.StatusOK {
		t.Errorf("readyz: %d\n%swant ready", status, body)
	}

	freeSpace()
	if m := media(send("cid", "after", photo)); len(m) != 1 || !bytes.Equal(m[0].Data, photo) {
		t.Errorf("the bot got %d images, want 1", len(m))
	}
}
