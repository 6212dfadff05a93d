package crash

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	livechat "patchbay/plugins/native/simulator"
	"patchbay/sandbox/record"
	"patchbay/test/harness"
)

// handed is what one poll took away at the desk.
type handed struct {
	at       time.Time
	user     string
	messages []deskMessage
}

// polls are all that were answered.
type polls struct{ record.Log[handed] }

func (p *polls) answered(user string, body []byte) {
	var answer struct {
		Messages []deskMessage `json:"downlinkMessages"`
	}
	_ = json.Unmarshal(body, &answer) // refusals have none
	p.Append(handed{time.Now(), user, answer.Messages})
}

// maxOpenPolls is how many polls the adapter has under way at most, as its README says.
const maxOpenPolls = 8

// takingEffect is how long after a kill a poll that was sent before may still take messages away at the vendor.
const takingEffect = 300 * time.Millisecond

// lost tells the fate of what the desk handed out. A poll takes messages away at the vendor, who hands none out twice, and they are
// stored a moment later: a process that is killed in between takes them with it. That is the one window in which a message may be
// lost, and its bounds are these:
//
//   - the poll was answered to a process that was killed, and was the customer's last one before the kill, since nobody is polled
//     again until what came before is stored;
//   - all that came with it is lost together, or, where the poll is more than one batch, what comes last;
//   - of all customers' polls, no more are lost by one kill than are under way at once.
//
// Whatever was acknowledged to nobody, and handed out by no poll, is still in the mailbox. lost returns the words that are not lost;
// waiting says why to look again, since messages are on their way.
func lost(handed []handed, incidents []incident, accepted map[string]bool) (kept []deskMessage, excused int, findings []string) {
	perKill := make([]int, len(incidents))
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
		n := slices.IndexFunc(incidents, func(k incident) bool { return killedAfter(handed[i:], k.from) })
		if n < 0 {
			findings = append(findings, missing[0]+" was handed out, and is in no trail, and no kill explains it")
			continue
		}
		if perKill[n]++; perKill[n] > maxOpenPolls {
			findings = append(findings, missing[0]+" is of more polls than were under way at one kill")
		}
		excused += len(missing)
	}
	return kept, excused, findings
}

// killedAfter reports whether the first poll was the last one of its customer before the kill.
func killedAfter(polls []handed, kill time.Time) bool {
	first := polls[0]
	if first.at.After(kill.Add(takingEffect)) {
		return false
	}
	next := slices.IndexFunc(polls[1:], func(h handed) bool { return h.user == first.user })
	return next < 0 || polls[1+next].at.After(kill)
}

// TestPollingKilled kills the gateway and adapters while the desk is polled. What was handed out in the very moment of a kill may
// be lost, as lost says; everything else arrives as if it had been pushed.
func TestPollingKilled(t *testing.T) {
	t.Parallel()
	crashes := number(t, "PATCHBAY_CRASHES", usual)
	var p polls
	tr := newTraffic(t, seed(t), func(tr *traffic, v *harness.Vendors) {
		v.Desk.PushOff, v.Desk.ConnectEvent = true, true
		v.Polled = p.answered
	})
	tr.pictures = true
	g := harness.NewGateway(t, tr.w, harness.Config{
		Routes: routes, Settings: map[string][]string{"desk": {"inbound: poll", "poll_interval: 200ms"}},
	})
	tr.begin(20, 40, 40+10*crashes)
	incidents := tr.mayhem(t, g, crashes, "native", "botwebhook", "aicc")
	tr.finish(t, g)

	var kills []incident
	for _, i := range incidents {
		if i.channel == "" || i.channel == "desk" {
			kills = append(kills, i)
		}
	}
	var e *evidence
	var excused, total int
	var findings []string
	harness.Eventually(t, harness.Patience, "what was polled is stored", func() string {
		all := p.All()
		e = tr.gather(t, g, incidents)
		var kept []deskMessage
		kept, excused, findings = lost(all, kills, e.accepted("desk"))
		if len(findings) > 0 && len(all) > 0 && time.Since(all[len(all)-1].at) < 5*time.Second {
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
				v.Polled = func(user string, body []byte) {
					p.answered(user, body)
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
				return wait(len(tr.w.Desk.Waiting()) == 1, "%+v", tr.w.Desk.Counts())
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
				err := tr.w.Livechat.Wait(harness.Soon(t), "c00", func(all []livechat.Answer) bool {
					return all[len(all)-1].Payload.BotSay == text
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
				g.Plugin(t, "aicc").Kill(t)
			}
			i.to = time.Now()
			close(release)
			line("line #3")
			heard("line #3")
			tr.finish(t, g)

			e := tr.gather(t, g, []incident{i})
			kept, excused, findings := lost(p.All(), e.incidents, e.accepted("desk"))
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
	poll := func(second int, user string, codes ...string) handed {
		h := handed{at: at(second), user: user}
		for _, c := range codes {
			h.messages = append(h.messages, deskMessage{Code: c})
		}
		return h
	}
	var many []handed
	for i := range maxOpenPolls + 1 {
		many = append(many, poll(1, string(rune('a'+i)), "x"+string(rune('a'+i))))
	}
	for name, tt := range map[string]struct {
		handed  []handed
		kills   []incident
		excused int
		found   int
	}{
		"all stored":                  {[]handed{poll(1, "u", "kept")}, nil, 0, 0},
		"last before the kill":        {[]handed{poll(1, "u", "kept"), poll(2, "u", "a", "b"), poll(9, "u", "kept")}, []incident{{from: at(3)}}, 2, 0},
		"no kill":                     {[]handed{poll(2, "u", "a")}, nil, 0, 1},
		"polled again before it":      {[]handed{poll(1, "u", "a"), poll(2, "u"), poll(9, "u")}, []incident{{from: at(3)}}, 0, 1},
		"another was polled":          {[]handed{poll(1, "u", "a"), poll(2, "v")}, []incident{{from: at(3)}}, 1, 0},
		"after the kill":              {[]handed{poll(5, "u", "a")}, []incident{{from: at(3)}}, 0, 1},
		"stored behind what is lost":  {[]handed{poll(2, "u", "a", "kept")}, []incident{{from: at(3)}}, 1, 1},
		"more than are under way":     {many, []incident{{from: at(3)}}, maxOpenPolls + 1, 1},
		"each kill has its own bound": {slices.Concat(many[:5], []handed{poll(6, "a", "y")}), []incident{{from: at(3)}, {from: at(7)}}, 6, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, excused, findings := lost(tt.handed, tt.kills, map[string]bool{"kept": true})
			if excused != tt.excused || len(findings) != tt.found {
				t.Errorf("%d lost, findings %q; want %d and %d findings", excused, findings, tt.excused, tt.found)
			}
		})
	}
}
