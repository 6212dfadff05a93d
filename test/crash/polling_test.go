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

// handed is what one poll took away at the desk.
type handed struct {
	caller   string // the process that polled
	user     string
	messages []deskMessage
}

// polls are all that were answered.
type polls struct{ simulator.Log[handed] }

// answered records an answer if it is one of a poll, and reports whether it is.
func (p *polls) answered(r *http.Request, body []byte) bool {
	if !strings.HasSuffix(r.URL.Path, "/poll") {
		return false
	}
	var answer struct {
		Messages []deskMessage `json:"downlinkMessages"`
	}
	_ = json.Unmarshal(body, &answer) // refusals have none
	// Each process of the adapter gets a separate access token, and keeps it for an hour.
	p.Append(handed{r.Header.Get("Authorization"), r.URL.Query().Get("receiverId"), answer.Messages})
	return true
}

// maxOpenPolls is how many polls the adapter has under way at most, as its README says.
const maxOpenPolls = 8

// lost tells the fate of what the desk handed out. A poll takes messages away at the vendor, who hands none out twice, and they are
// stored a moment later: a process that is killed in between takes them with it. That is the one window in which a message may be
// lost, and its bounds are these:
//
//   - the poll was that of a process that was killed: of any but the last, if every end is a kill;
//   - it was the customer's last one by this process, since nobody is polled again until what came before is stored;
//   - all that came with it is lost together, or, where the poll is more than one batch, what comes last;
//   - of all customers' polls, no more are lost with one process than are under way at once.
//
// Whatever was acknowledged to nobody, and handed out by no poll, is still in the mailbox. No times are compared: a poll may have its
// effect at the vendor long after the death of the process that sent it. lost returns the words that are not lost.
func lost(handed []handed, accepted map[string]bool) (kept []deskMessage, excused int, findings []string) {
	last := survivor(handed)
	byProcess := map[string]int{}
	for i, h := range handed {
		var missing []string
		for _, m := range h.messages {
			switch {
			case m.Code == "": // notices have no id that the trail could be asked for
			case accepted[m.Code]:
				kept = append(kept, m)
				if len(missing) > 0 {
					findings = append(findings, m.Code+" is stored, but "+missing[0]+" before it in the same poll is not")
				}
			default:
				missing = append(missing, m.Code)
			}
		}
		if len(missing) == 0 {
			continue
		}
		if h.caller == last {
			findings = append(findings, missing[0]+" was handed out to a process that was not killed, and is in no trail")
			continue
		}
		if polledAgain(handed[i:]) {
			findings = append(findings, missing[0]+" is in no trail, and its process polled for the same customer again")
			continue
		}
		if byProcess[h.caller]++; byProcess[h.caller] > maxOpenPolls {
			findings = append(findings, missing[0]+" is of more polls than were under way at one kill")
		}
		excused += len(missing)
	}
	return kept, excused, findings
}

// survivor returns the process that began to poll last.
func survivor(handed []handed) string {
	known, last := map[string]bool{}, ""
	for _, h := range handed {
		if !known[h.caller] {
			known[h.caller], last = true, h.caller
		}
	}
	return last
}

// polledAgain reports whether the process of the first poll polled for the same customer again.
func polledAgain(polls []handed) bool {
	return slices.ContainsFunc(polls[1:], func(h handed) bool { return h.caller == polls[0].caller && h.user == polls[0].user })
}

// TestPollingKilled kills the gateway and adapters while the desk is polled. What was handed out in the very moment of a kill may
// be lost, as lost says; everything else arrives as if it had been pushed.
func TestPollingKilled(t *testing.T) {
	t.Parallel()
	crashes := number(t, "PATCHBAY_CRASHES", usual)
	var p polls
	tr := newTraffic(t, seed(t), func(tr *traffic, v *harness.Vendors) {
		v.Desk.PushOff, v.Desk.ConnectEvent = true, true
		v.Answered = func(r *http.Request, body []byte) {
			p.answered(r, body)
			tr.linger()
		}
	})
	tr.pictures = true
	g := harness.NewGateway(t, tr.w, harness.Config{
		Routes: routes, Settings: map[string][]string{"desk": {"inbound: poll", "poll_interval: 200ms"}},
	})
	tr.begin(20, 40, 40+10*crashes)
	incidents := tr.mayhem(t, g, crashes, "native", "botwebhook", "aicc")
	tr.until(t, g, func(e *evidence) bool {
		kept, _, _ := lost(p.All(), e.accepted("desk"))
		return e.steps("passed") > 0 && len(kept) >= crashes
	})
	tr.finish(t, g)

	var e *evidence
	var excused, total int
	var findings []string
	ended := time.Now()
	harness.Eventually(t, harness.Patience, "what was polled is stored", func() string {
		all := p.All()
		e = tr.gather(t, g, incidents)
		var kept []deskMessage
		kept, excused, findings = lost(all, e.accepted("desk"))
		if len(findings) > 0 && time.Since(ended) < harness.Patience/2 { // what was polled last may be on its way
			return findings[0]
		}
		for _, m := range kept {
			e.words = append(e.words, tr.deskWord(t, m))
		}
		total = len(kept)
		return ""
	})
	for _, f := range findings {
		t.Error(f)
	}
	v := judge(e)
	v.report(t)
	t.Logf("crashes=%d %s polls=%d polled=%d lost=%d", len(incidents), v.tally, p.Len(), total, excused)
	if v.tally.handovers == 0 || total < crashes {
		t.Error("too little happened to judge by")
	}
}

// TestPollInFlightAtAKill kills in the one moment in which it costs something: a poll has taken a line away at the desk, and its
// answer has not come. That line is lost, and no other, neither before nor behind it.
func TestPollInFlightAtAKill(t *testing.T) {
	t.Parallel()
	for _, victim := range []string{"gateway", "adapter"} {
		t.Run(victim, func(t *testing.T) {
			t.Parallel()
			var p polls
			armed, taken, release := make(chan struct{}), make(chan struct{}), make(chan struct{})
			tr := newTraffic(t, seed(t), func(tr *traffic, v *harness.Vendors) {
				v.Desk.PushOff = true
				v.Answered = func(r *http.Request, body []byte) {
					defer tr.linger()
					if !p.answered(r, body) {
						return
					}
					all := p.All()
					select {
					case <-armed:
					default:
						return
					}
					if first := all[len(all)-1].messages; len(first) == 1 && first[0].Content == "line #2" {
						close(taken)
						select {
						case <-release:
						case <-tr.ctx.Done():
						}
					}
				}
			})
			g := harness.NewGateway(t, tr.w, harness.Config{
				Routes: routes, Settings: map[string][]string{"desk": {"inbound: poll", "poll_interval: 200ms"}},
			})
			rnd := chance(tr.seed, "in flight")
			tr.say(rnd, "c00", "c00-001", "c00-001 an agent please")
			harness.Eventually(t, harness.Patience, "the desk is asked", func() string {
				return wait(len(tr.w.Desk.Waiting()) == 1, "%+v", tr.w.Desk.Chats())
			})
			user := tr.w.Desk.Waiting()[0].User
			if err := tr.w.Desk.Accept(user, "Ann"); err != nil {
				t.Fatal(err)
			}
			line := func(text string) {
				t.Helper()
				if _, err := tr.w.Desk.Say(user, text); err != nil {
					t.Fatal(err)
				}
			}
			heard := func(text string) {
				t.Helper()
				err := tr.w.Livechat.Wait(harness.Soon(t), "c00", func(all []native.Answer) bool {
					return slices.ContainsFunc(all, func(a native.Answer) bool { return a.Payload.BotSay == text })
				})
				if err != nil {
					t.Fatalf("the customer does not hear %q: %v", text, err)
				}
			}
			line("line #1")
			heard("line #1")
			close(armed)
			line("line #2")
			<-taken
			i := incident{from: time.Now()}
			if victim == "gateway" {
				g.Kill(t)
				g.Start(t)
			} else {
				i.channel = "desk"
				g.Plugin(t, "aicc").Kill()
			}
			i.to = time.Now()
			close(release)
			line("line #3")
			heard("line #3")
			tr.finish(t, g)

			e := tr.gather(t, g, []incident{i})
			kept, excused, findings := lost(p.All(), e.accepted("desk"))
			if excused != 1 || len(findings) > 0 {
				t.Errorf("%d messages are lost, want one; %q", excused, findings)
			}
			for _, m := range kept {
				e.words = append(e.words, tr.deskWord(t, m))
			}
			judge(e).report(t)
		})
	}
}

// accepted returns the vendor's ids of what came from a channel by the trails.
func (e *evidence) accepted(channel string) map[string]bool {
	out := map[string]bool{}
	for _, trails := range e.trails {
		for i := range trails {
			for _, entry := range trails[i].Find("accepted") {
				if entry.Channel == channel {
					out[entry.VendorID] = true
				}
			}
		}
	}
	return out
}

// TestLostFindsFaults: what may be lost is told from what may not.
func TestLostFindsFaults(t *testing.T) {
	poll := func(caller, user string, codes ...string) handed {
		h := handed{caller: caller, user: user}
		for _, c := range codes {
			h.messages = append(h.messages, deskMessage{Code: c})
		}
		return h
	}
	var many []handed
	for i := range maxOpenPolls + 1 {
		many = append(many, poll("1", string(rune('a'+i)), "x"+string(rune('a'+i))))
	}
	next := poll("2", "z")
	for name, tt := range map[string]struct {
		handed  []handed
		excused int
		found   int
	}{
		"all stored":                  {[]handed{poll("1", "u", "kept")}, 0, 0},
		"last before the kill":        {[]handed{poll("1", "u", "kept"), poll("1", "u", "a", "b"), poll("2", "u", "kept")}, 2, 0},
		"late at the vendor":          {[]handed{poll("1", "u", "kept"), poll("2", "u", "kept"), poll("1", "u", "a")}, 1, 0},
		"no kill":                     {[]handed{poll("1", "u", "a")}, 0, 1},
		"after the last kill":         {[]handed{poll("1", "u"), poll("2", "u", "a")}, 0, 1},
		"polled again before it":      {[]handed{poll("1", "u", "a"), poll("1", "u"), next}, 0, 1},
		"another was polled":          {[]handed{poll("1", "u", "a"), poll("1", "v"), next}, 1, 0},
		"stored behind what is lost":  {[]handed{poll("1", "u", "a", "kept"), next}, 1, 1},
		"more than are under way":     {append(many, next), maxOpenPolls + 1, 1},
		"each kill has its own bound": {slices.Concat(many[:5], []handed{poll("2", "a", "y"), poll("3", "a")}), 6, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, excused, findings := lost(tt.handed, map[string]bool{"kept": true})
			if excused != tt.excused || len(findings) != tt.found {
				t.Errorf("%d lost, findings %q; want %d and %d findings", excused, findings, tt.excused, tt.found)
			}
		})
	}
}
