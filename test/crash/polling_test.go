package crash

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// pollResult is the response to one poll of the desk.
type pollResult struct {
	caller   string // identifies the plugin process that polled
	user     string
	messages []deskMessage
}

// polls records the responses to polls.
type polls struct{ simulator.Log[pollResult] }

// add records the response to a request if the request is a poll, and reports whether it is one.
func (p *polls) add(r *http.Request, body []byte) bool {
	if !strings.HasSuffix(r.URL.Path, "/poll") {
		return false
	}
	var response struct {
		Messages []deskMessage `json:"downlinkMessages"`
	}
	_ = json.Unmarshal(body, &response) // a refusal has no messages
	// Each plugin process gets a separate access token and uses it for an hour.
	p.Append(pollResult{r.Header.Get("Authorization"), r.URL.Query().Get("receiverId"), response.Messages})
	return true
}

// maxOpenPolls is the maximum number of concurrent polls of the adapter, as in its README.
const maxOpenPolls = 8

// TestKillsWhilePolling kills the gateway and adapters while the adapter polls the desk. Only messages that findLost
// allows may be lost.
func TestKillsWhilePolling(t *testing.T) {
	t.Parallel()
	crashes := envInt(t, "PATCHBAY_CRASHES", defaultCrashes)
	var p polls
	tr := newTraffic(t, seed(t), func(tr *traffic, v *harness.Vendors) {
		v.Desk.PushOff, v.Desk.ConnectEvent = true, true
		v.Wrap = afterHandling(func(r *http.Request, body []byte) {
			p.add(r, body)
			tr.delayResponse()
		})
	})
	tr.pictures = true
	g := harness.NewGateway(t, tr.w, harness.Config{
		Routes: routes, Settings: map[string][]string{"desk": {"inbound: poll", "poll_interval: 200ms"}},
	})
	tr.start(20, 40, 40+10*crashes)
	incidents := tr.killRepeatedly(t, g, crashes, "native", "botwebhook", "aicc")
	tr.waitForTraffic(t, g, func(e *evidence) bool {
		stored, _, _ := findLost(p.All(), e.accepted("desk"))
		return e.count("passed") > 0 && len(stored) >= crashes
	})
	tr.finish(t, g)

	var e *evidence
	var lost, total int
	var findings []string
	ended := time.Now()
	harness.Eventually(t, harness.Timeout, "the polled messages are stored", func() string {
		all := p.All()
		e = tr.gather(t, g, incidents)
		var stored []deskMessage
		stored, lost, findings = findLost(all, e.accepted("desk"))
		if len(findings) > 0 && time.Since(ended) < harness.Timeout/2 { // the last poll may not be stored yet
			return findings[0]
		}
		for _, m := range stored {
			e.answers = append(e.answers, tr.deskAnswer(t, m))
		}
		total = len(stored)
		return ""
	})
	for _, f := range findings {
		t.Error(f)
	}
	v := evaluate(e)
	v.report(t)
	t.Logf("crashes=%d %s polls=%d polled=%d lost=%d", len(incidents), v.tally, p.Len(), total, lost)
	if v.tally.handovers == 0 || total < crashes {
		t.Error("too few events to check")
	}
}

// TestKillDuringPoll kills the gateway or the adapter after a poll has removed a line from the mailbox and before the
// response. Only that line may be lost.
func TestKillDuringPoll(t *testing.T) {
	t.Parallel()
	for _, killed := range []string{"gateway", "adapter"} {
		t.Run(killed, func(t *testing.T) {
			t.Parallel()
			var p polls
			armed, polled, release := make(chan struct{}), make(chan struct{}), make(chan struct{})
			tr := newTraffic(t, seed(t), func(tr *traffic, v *harness.Vendors) {
				v.Desk.PushOff = true
				v.Wrap = afterHandling(func(r *http.Request, body []byte) {
					defer tr.delayResponse()
					if !p.add(r, body) {
						return
					}
					all := p.All()
					select {
					case <-armed:
					default:
						return
					}
					if first := all[len(all)-1].messages; len(first) == 1 && first[0].Content == "line #2" {
						close(polled)
						select {
						case <-release:
						case <-tr.ctx.Done():
						}
					}
				})
			})
			g := harness.NewGateway(t, tr.w, harness.Config{
				Routes: routes, Settings: map[string][]string{"desk": {"inbound: poll", "poll_interval: 200ms"}},
			})
			rnd := newRand(tr.seed, "in flight")
			tr.say(rnd, "c00", "c00-001", "c00-001 an agent please")
			harness.Eventually(t, harness.Timeout, "the desk has an offer", func() string {
				return waitReason(len(tr.w.Desk.Waiting()) == 1, "%+v", tr.w.Desk.Chats())
			})
			user := tr.w.Desk.Waiting()[0].User
			if err := tr.w.Desk.Accept(user, "Ann"); err != nil {
				t.Fatal(err)
			}
			say := func(text string) {
				t.Helper()
				if _, err := tr.w.Desk.Say(user, text); err != nil {
					t.Fatal(err)
				}
			}
			awaitLine := func(text string) {
				t.Helper()
				err := tr.w.Livechat.Answers("c00").Wait(harness.TestContext(t), func(all []native.Answer) bool {
					return slices.ContainsFunc(all, func(a native.Answer) bool { return a.Payload.BotSay == text })
				})
				if err != nil {
					t.Fatalf("the customer does not receive %q: %v", text, err)
				}
			}
			say("line #1")
			awaitLine("line #1")
			close(armed)
			say("line #2")
			<-polled
			i := incident{from: time.Now()}
			if killed == "gateway" {
				g.Kill(t)
				g.Start(t)
			} else {
				i.channel = "desk"
				g.PluginProcess(t, "aicc").Kill()
			}
			i.to = time.Now()
			close(release)
			say("line #3")
			awaitLine("line #3")
			tr.finish(t, g)

			e := tr.gather(t, g, []incident{i})
			stored, lost, findings := findLost(p.All(), e.accepted("desk"))
			if lost != 1 || len(findings) > 0 {
				t.Errorf("%d messages lost, want one; findings %q", lost, findings)
			}
			for _, m := range stored {
				e.answers = append(e.answers, tr.deskAnswer(t, m))
			}
			evaluate(e).report(t)
		})
	}
}
