package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
	"patchbay/test/harness"
)

// fileKind is a file type and its names at the vendors.
type fileKind struct {
	extension, contentType, head string
	part                         string // media type at the website
	agent                        string // media type of an agent's message
	desk                         string // media type of a message to the desk; "" if the desk does not support it
}

var (
	pngs = fileKind{"png", "image/png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image", "IMAGE", "IMAGE"}
	jpgs = fileKind{"jpg", "image/jpeg", "\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image", "IMAGE", "IMAGE"}
	mp3s = fileKind{"mp3", "audio/mpeg", "ID3\x04\x00\x00\x00\x00\x00\x00", "audio", "AUDIO", "AUDIO"}
	mp4s = fileKind{"mp4", "video/mp4", "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "video", "VIDEO", "VIDEO"}
	pdfs = fileKind{"pdf", "application/pdf", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "file", "DOCUMENT", ""}
	csvs = fileKind{"csv", "text/csv", "a,b\n1,2\n", "file", "DOCUMENT", "FILE"}
)

// testFile is a file with random content after the head of its kind.
type testFile struct {
	fileKind
	name string
	data []byte
}

// GoString omits the content from rapid's reports.
func (f testFile) GoString() string {
	return fmt.Sprintf("%q of %d bytes, SHA-256 %x", f.name, len(f.data), sha256.Sum256(f.data))
}

func anyFile(kinds ...fileKind) *rapid.Generator[testFile] {
	return rapid.Custom(func(t *rapid.T) testFile {
		f := testFile{fileKind: rapid.SampledFrom(kinds).Draw(t, "kind")}
		stem := rapid.StringOfN(rapid.RuneFrom([]rune("abc XYZ0-_.é字😀+%#")), 1, 20, 100).Draw(t, "name")
		f.name = "f" + stem + "." + f.extension
		f.data = []byte(f.head)
		rest := make([]byte, rapid.SampledFrom([]int{1, 100, 4095, 65536, 300_001, 1 << 20}).Draw(t, "size"))
		seed := rapid.Uint64().Draw(t, "seed")
		if f.extension == "csv" {
			for i := range rest {
				rest[i] = "0123456789,\n"[(uint64(i)*2654435761+seed)%12]
			}
		} else {
			rnd := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24)})
			_, _ = rnd.Read(rest) // never fails
		}
		f.data = append(f.data, rest...)
		return f
	})
}

var anyRecording = anyFile(mp3s)

// expectFile checks that an answer has one file, and that its link returns the content.
func (s *system) expectFile(t *rapid.T, a native.Answer, want []byte) native.File {
	t.Helper()
	if len(a.Payload.Media) != 1 {
		t.Fatalf("%d files in the answer, want one: %s", len(a.Payload.Media), a.Body)
	}
	got, _, err := s.Livechat.Download(testContext(t), a.Payload.Media[0].URL)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%+v returns %d bytes, %v; want %d", a.Payload.Media[0], len(got), err, len(want))
	}
	return a.Payload.Media[0]
}

func TestFilesBetweenCustomerAndAgentArriveUnchanged(t *testing.T) {
	t.Parallel()
	for name, variant := range map[string]struct {
		o        aicc.Options
		settings []string
	}{
		"pushed":        {},
		"pushed, links": {aicc.Options{FileLinks: aicc.FileLinkOnly}, nil},
		"polled":        {aicc.Options{PushOff: true, StrictFileType: true}, polling},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDeskSystem(t, variant.o, variant.settings...)
			const user = "ada"
			s.connectAgent(t, user)
			rapid.Check(t, func(t *rapid.T) {
				answers, lines := len(s.answersFrom(user, "agent")), len(s.deskFiles(user))
				down := anyFile(pngs, jpgs, mp3s, mp4s, pdfs).Draw(t, "agent's")
				up := anyFile(pngs, jpgs, mp3s, mp4s, csvs).Draw(t, "customer's")
				if _, err := s.Desk.SendFile(deskID(user), down.agent, down.extension, down.data); err != nil {
					t.Fatal(err)
				}
				got := s.expectFile(t, s.awaitAnswers(t, user, "agent", answers+1)[answers], down.data)
				if got.Type != down.part || got.ContentType != down.contentType || got.Size != int64(len(down.data)) {
					t.Fatalf("%s of the agent arrived as %+v", down.extension, got)
				}

				path := s.Livechat.AddFile(up.name, up.contentType, up.data)
				s.mustSay(t, user, "", native.WithMedia(native.File{
					Type: up.part, URL: s.LivechatURL() + path, Name: up.name, ContentType: up.contentType,
				}))
				var line aicc.Line
				if err := s.Desk.Events.Wait(testContext(t), func([]aicc.Event) bool {
					all := s.deskFiles(user)
					if len(all) > lines {
						line = all[lines]
					}
					return len(all) > lines
				}); err != nil {
					t.Fatalf("the %s is missing at the desk: %v; got %.300q", up.extension, err, s.deskTexts(user))
				}
				f, _ := s.Desk.File(line.File)
				if line.MediaType != up.desk || f.Type != up.extension || !bytes.Equal(f.Content, up.data) {
					t.Fatalf("%s of %d bytes arrived as %+v with %d bytes of %s",
						up.extension, len(up.data), line, len(f.Content), f.Type)
				}
				want := fmt.Sprintf("%s,%d,", strings.ReplaceAll(up.name, ",", "_"), len(up.data))
				if up.desk == "FILE" && !strings.HasPrefix(line.Text, want) {
					t.Fatalf("the file %q has the name %q", up.name, line.Text)
				}
			})
			s.expectNoProblems(t)
		})
	}
}

// deskFiles returns a customer's lines with files at the desk.
func (s *system) deskFiles(user string) []aicc.Line {
	var out []aicc.Line
	c, _ := s.Desk.Chat(deskID(user))
	for _, l := range c.Lines {
		if l.From == "customer" && l.File != "" {
			out = append(out, l)
		}
	}
	return out
}

// Files arrive as links or in the call, together with the text of the message.
func TestFilesForTheBotArriveUnchanged(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]string{
		"link": nil, "base64": {"media: base64"}, "v1, link": {"api: v1"}, "v1, base64": {"api: v1", "media: base64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, harness.Vendors{}, withoutRules(map[string][]string{"faq": settings}))
			rapid.Check(t, func(t *rapid.T) {
				user, text := anyCustomer.Draw(t, "user"), anyText.Filter(belowMax).Draw(t, "text")
				f := anyFile(pngs, jpgs, mp3s, pdfs, csvs).Draw(t, "file")
				path := s.Livechat.AddFile(f.name, f.contentType, f.data)
				s.mustSay(t, user, text, native.WithMedia(native.File{
					Type: f.part, URL: s.LivechatURL() + path, Name: f.name, ContentType: f.contentType,
				}))
				s.awaitAnswers(t, user, "bot", 1)
				calls := s.Bots.SendCalls.Select(func(a botwebhook.SendCall) bool { return a.Conversation.UserID == shortID(user) })
				m := calls[0].Messages[len(calls[0].Messages)-1]
				expectEqual(t, "question", []string{text}, []string{m.Text})
				if len(m.Media) != 1 {
					t.Fatalf("%d media, want one: %.300s", len(m.Media), calls[0].Body)
				}
				data := m.Media[0].Data
				if m.Media[0].URL != "" {
					linked, _, err := s.Livechat.Download(testContext(t), m.Media[0].URL)
					if err != nil {
						t.Fatal(err)
					}
					data = linked
				}
				if !bytes.Equal(data, f.data) {
					t.Fatalf("the bot got %d bytes of %q, want %d", len(data), f.name, len(f.data))
				}
			})
			s.expectNoProblems(t)
		})
	}
}
