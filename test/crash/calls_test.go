package crash

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// TestBotsThatAnswerInTheCallKilled kills the gateway and adapters while bots answer in the call itself, or in a stream. An answer is
// stored together with the question's outcome, so that there is never one without the other. A question whose call was cut off by
// its adapter's death may have been answered: it is not asked again, but kept as a dead letter. One that was cut off by the gateway's
// death is asked again, once.
func TestBotsThatAnswerInTheCallKilled(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"blocking", "streaming"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			crashes := number(t, "PATCHBAY_CRASHES", usual)
			tr := newTraffic(t, seed(t), func(tr *traffic, _ *harness.Vendors) {
				tr.hold = func() { pause(tr.ctx, rand.N(80*time.Millisecond)) }
			})
			tr.pictures = true
			g := harness.NewGateway(t, tr.w, harness.Config{
				Routes: routes, Settings: map[string][]string{"faq": {"mode: " + mode}},
			})
			tr.talk(20, 40, 40+10*crashes)
			tr.staffed.Go(tr.staff)
			incidents := tr.mayhem(t, g, crashes, "native", "botwebhook", "aicc")
			tr.until(t, g, func(e *evidence) bool { return e.steps("passed") > 0 && len(e.said) >= 10*crashes })
			tr.finish(t, g)
			e := tr.gather(t, g, incidents)
			e.strict = false // the dead are judged below
			e.words = append(e.words, e.answersInCalls()...)
			v := judge(e)
			v.questions()
			v.report(t)
			t.Logf("crashes=%d %s", len(incidents), v.tally)
			if v.tally.handovers == 0 || v.tally.messages < 10*crashes {
				t.Error("too little happened to judge by")
			}
		})
	}
}

// TestQuestionInFlightAtAKill kills when the bot has been asked and its answer has not come. By the death of its adapter the
// question's fate is unknown: it is a dead letter, and not asked again. By the death of the gateway it is asked again, once.
func TestQuestionInFlightAtAKill(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"blocking", "streaming"} {
		for _, victim := range []string{"adapter", "gateway"} {
			t.Run(mode+", "+victim, func(t *testing.T) {
				t.Parallel()
				release := make(chan struct{})
				tr := newTraffic(t, seed(t), func(tr *traffic, _ *harness.Vendors) {
					tr.hold = func() {
						if mode == "blocking" && tr.w.Bots.Asked.Len() == 1 {
							select {
							case <-release:
							case <-tr.ctx.Done():
							}
						}
					}
				})
				g := harness.NewGateway(t, tr.w, harness.Config{Routes: "[]", Settings: map[string][]string{"faq": {"mode: " + mode}}})
				if mode == "streaming" { // in the middle of the answer: its beginning has left
					tr.w.Bots.Faults.Add(simulator.Fault{Kind: simulator.Hang, Endpoint: botwebhook.EndpointStream, Count: 1})
				}
				rnd := chance(tr.seed, "in flight")
				tr.say(rnd, "c00", "c00-001", "c00-001 hello")
				harness.Eventually(t, harness.Patience, "the bot is asked", func() string {
					hung := mode == "blocking" || tr.w.Bots.Faults.Hits.Len() == 1
					return wait(tr.w.Bots.Asked.Len() == 1 && hung, "%d questions", tr.w.Bots.Asked.Len())
				})
				i := incident{from: time.Now(), channel: "faq"}
				want := tally{messages: 2, words: 1, delivered: 2, dead: 1}
				if victim == "adapter" {
					(&killer{traffic: tr, gateway: g}).kill(t, []string{"botwebhook"})
				} else {
					g.Kill(t)
					i.channel = ""
					want = tally{messages: 2, words: 2, delivered: 4, duplicates: 1}
				}
				close(release)
				tr.w.Bots.Faults.Release()
				if victim == "gateway" {
					g.Start(t)
				}
				i.to = time.Now()
				tr.say(rnd, "c00", "c00-002", "c00-002 hello")
				tr.finish(t, g)
				e := tr.gather(t, g, []incident{i})
				e.strict = false // the dead are judged by questions
				e.words = e.answersInCalls()
				v := judge(e)
				v.questions()
				v.report(t)
				if v.tally != want {
					t.Errorf("it came to %s, want %s", v.tally, want)
				}
			})
		}
	}
}

// answersInCalls returns what bots said by the trails: nobody else knows what of it came through.
func (e *evidence) answersInCalls() []word {
	var out []word
	for _, trails := range e.trails {
		for i := range trails {
			for _, entry := range trails[i].Find("accepted") {
				if entry.Channel == "faq" {
					out = append(out, word{"faq", entry.VendorID, entry.Text})
				}
			}
		}
	}
	return out
}

// questions demands of each question that was delivered to a bot exactly one answer that was not fenced, and of each that is a dead
// letter that its call was cut off by a death of the bots' adapter.
func (v *verdict) questions() {
	for user, trails := range v.trails {
		answers, fenced := map[string]int{}, map[string]bool{}
		named := map[string]string{} // questions by envelope
		for i := range trails {
			for _, e := range trails[i].Entries {
				switch {
				case e.Step == "accepted" && e.Channel == v.far():
					named[e.Envelope] = e.VendorID
				case e.Step == "fenced" && e.Delivery == "":
					fenced[e.Envelope] = true
				}
			}
			for _, e := range trails[i].Entries {
				if question, ok := strings.CutPrefix(e.Text, "re "); e.Step == "accepted" && e.Channel == "faq" && ok && !fenced[e.Envelope] {
					answers[name(question)]++
				}
				unknown := e.Kind == "unknown" && within(v.incidents, e.At, "faq")
				if e.Step == "dead" && !unknown && !v.killedTwice(v.books[user], e.Delivery) {
					v.find(user, "delivery %s to %s is a dead letter (%s), and no death of its adapter explains it", e.Delivery, e.Channel, e.Kind)
				}
			}
		}
		b := v.books[user]
		for envelope, id := range named {
			for _, d := range b.queued[envelope] {
				ends := fmt.Sprint(b.ended[d])
				if b.channel[d] == "faq" && ends == "[delivered]" && answers[id] != 1 {
					v.find(user, "%s is delivered to the bot, and %d answers came with it, want one", id, answers[id])
				}
			}
		}
	}
}
