package e2e

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// labeledImage returns an image with text after its end.
func labeledImage(t *testing.T, text string) []byte { return append(randomImage(t, 8), text...) }

// imageLabel returns the text after a labeledImage if it begins with "first", and false for other content.
func imageLabel(content []byte) (string, bool) {
	at := bytes.LastIndex(content, []byte("first"))
	if at < 0 {
		return "", false
	}
	return string(content[at:]), true
}

// The agent does not see repeated uploads.
func TestImageForTheAgentSurvivesUploadFaults(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{Extra: map[string][]string{"desk": shortTimeout}})
	const user = "uma"
	s.connectAgent(t, user)
	cases := slices.Concat(faultsBefore, faultsAfter(one, one), []faultCase{expired})
	s.checkFaults(t, &s.Desk.Faults, aicc.EndpointUpload, "desk", cases, func(text string) {
		if strings.HasPrefix(text, "first") {
			s.say(t, user, "", s.withImage("map.png", "image/png", labeledImage(t, text)))
			return
		}
		s.say(t, user, text)
	}, func() []string {
		var out []string
		c, _ := s.Desk.Chat(deskID(user))
		for _, l := range c.Lines {
			f, _ := s.Desk.File(l.File)
			label, ok := imageLabel(f.Content)
			switch {
			case l.From != "customer":
			case l.File != "" && ok:
				out = append(out, label)
			default:
				out = append(out, l.Text)
			}
		}
		return out
	})
}

func TestImageForTheCustomerSurvivesDownloadFaults(t *testing.T) {
	t.Parallel()
	for links, endpoint := range map[aicc.FileLinks]string{
		aicc.FileStreamOnly: aicc.EndpointDownload, aicc.FileLinkOnly: aicc.EndpointFile,
	} {
		t.Run(endpoint, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, harness.Vendors{Desk: aicc.Options{FileLinks: links}},
				harness.Config{Extra: map[string][]string{"desk": shortTimeout}})
			const user = "dora"
			s.connectAgent(t, user)
			labels := map[string]string{} // by link
			s.checkFaults(t, &s.Desk.Faults, endpoint, "livechat", downloadFaults(endpoint), func(text string) {
				if !strings.HasPrefix(text, "first") {
					s.agentSays(t, user, text)
					return
				}
				if _, err := s.Desk.SendFile(deskID(user), "IMAGE", "png", labeledImage(t, text)); err != nil {
					t.Fatal(err)
				}
			}, func() []string {
				var out []string
				for _, a := range s.answersFrom(user, "agent") {
					if len(a.Payload.Media) == 0 {
						out = append(out, a.Payload.BotSay)
						continue
					}
					link := a.Payload.Media[0].URL
					if labels[link] == "" {
						picture, _, err := s.Livechat.Download(harness.TestContext(t), link)
						if err != nil {
							t.Fatal(err)
						}
						labels[link], _ = imageLabel(picture)
					}
					out = append(out, labels[link])
				}
				return out
			})
		})
	}
}

// downloadFaults returns the faults of a download from the desk. A medium above the size limit becomes text.
func downloadFaults(endpoint string) []faultCase {
	isHang := func(tc faultCase) bool { return tc.fault.Kind == simulator.Hang }
	cases := append(slices.DeleteFunc(slices.Clone(faultsBefore), isHang),
		faultCase{"response lost", simulator.Fault{Kind: simulator.Drop}, one, false},
		faultCase{"truncated response", simulator.Fault{Kind: simulator.Truncate}, one, false},
		faultCase{"response of the wrong type", simulator.Fault{Kind: simulator.ContentType}, one, false})
	if endpoint == aicc.EndpointDownload {
		cases = append(cases, expired,
			faultCase{"large response", simulator.Fault{Kind: simulator.Huge, Bytes: 100 << 10}, one, false},
			faultCase{"huge response", simulator.Fault{Kind: simulator.Huge}, none, false})
	}
	return cases
}

func TestHangingDownloadDelaysOnlyItsConversation(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	s.connectAgent(t, "hal")
	s.connectAgent(t, "hugo")
	s.Desk.Faults.Add(simulator.Fault{Kind: simulator.Hang, Endpoint: aicc.EndpointDownload, Count: 1})
	data := randomImage(t, 8)
	if _, err := s.Desk.SendFile(deskID("hal"), "IMAGE", "png", data); err != nil {
		t.Fatal(err)
	}
	s.agentSays(t, "hal", "see above")
	withTimeout(t, harness.Timeout, "the download hangs", func(ctx context.Context) error {
		return s.Desk.Faults.Hits.Wait(ctx, func(all []simulator.Hit) bool { return len(all) == 1 })
	})
	s.agentSays(t, "hugo", "hello")
	s.expect(t, "hugo", "agent", "hello")
	if n := len(s.textsFrom("hal", "agent")); n != 1 {
		t.Errorf("%d texts, want 1: the text after the image must wait for it", n)
	}
	s.Desk.Faults.Release()
	if _, got, _ := s.awaitMedium(t, "hal"); !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, want %d", len(got), len(data))
	}
	s.expect(t, "hal", "agent", "see above")
}
