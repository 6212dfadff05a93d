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

// TestKillsWithAnswersInCalls kills the gateway and adapters while bots answer in the response to the call, complete or
// as a stream. The gateway stores an answer together with the outcome of the call. If a kill of the adapter interrupts
// a call, the outcome is unknown and the delivery becomes a dead letter. If a kill of the gateway interrupts it, the
// gateway repeats the call once.
func TestKillsWithAnswersInCalls(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"blocking", "streaming"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			crashes := envInt(t, "PATCHBAY_CRASHES", defaultCrashes)
			tr := newTraffic(t, seed(t), func(tr *traffic, _ *harness.Vendors) {
				tr.beforeResponse = func() { pause(tr.ctx, rand.N(80*time.Millisecond)) }
			})
			tr.pictures = true
			g := harness.NewGateway(t, tr.w, harness.Config{
				Routes: routes, Settings: map[string][]string{"faq": {"mode: " + mode}},
			})
			tr.startCustomers(20, 40, 40+10*crashes)
			tr.staff.Go(tr.runAgents)
			incidents := tr.killRepeatedly(t, g, crashes, "native", "botwebhook", "aicc")
			tr.waitForTraffic(t, g, func(e *evidence) bool {
				return e.count("passed") > 0 && len(e.messages) >= 10*crashes
			})
			tr.finish(t, g)
			e := tr.gather(t, g, incidents)
			e.strict = false // checkQuestions checks the dead letters
			e.answers = append(e.answers, e.answersInCalls()...)
			v := evaluate(e)
			v.checkQuestions()
			v.report(t)
			t.Logf("crashes=%d %s", len(incidents), v.tally)
			if v.tally.handovers == 0 || v.tally.messages < 10*crashes {
				t.Error("too few events to check")
			}
		})
	}
}

// TestKillDuringBotCall kills the adapter or the gateway after a bot has received a question and before the response.
// The result is the same as in TestKillsWithAnswersInCalls.
func TestKillDuringBotCall(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"blocking", "streaming"} {
		for _, killed := range []string{"adapter", "gateway"} {
			t.Run(mode+", "+killed, func(t *testing.T) {
				t.Parallel()
				release := make(chan struct{})
				tr := newTraffic(t, seed(t), func(tr *traffic, _ *harness.Vendors) {
					tr.beforeResponse = func() {
						if mode == "blocking" && tr.w.Bots.SendCalls.Len() == 1 {
							select {
							case <-release:
							case <-tr.ctx.Done():
							}
						}
					}
				})
				g := harness.NewGateway(t, tr.w, harness.Config{
					Routes: "[]", Settings: map[string][]string{"faq": {"mode: " + mode}},
				})
				if mode == "streaming" { // the stream hangs after its first half
					tr.w.Bots.Faults.Add(simulator.Fault{Kind: simulator.Hang, Endpoint: botwebhook.EndpointStream, Count: 1})
				}
				rnd := newRand(tr.seed, "in flight")
				tr.say(rnd, "c00", "c00-001", "c00-001 hello")
				harness.Eventually(t, harness.Timeout, "the bot has the question", func() string {
					hangs := mode == "blocking" || tr.w.Bots.Faults.Hits.Len() == 1
					return waitReason(tr.w.Bots.SendCalls.Len() == 1 && hangs, "%d questions", tr.w.Bots.SendCalls.Len())
				})
				i := incident{from: time.Now(), channel: "faq"}
				want := tally{messages: 2, answers: 1, delivered: 2, dead: 1}
				if killed == "adapter" {
					(&adapterKiller{traffic: tr, gateway: g}).kill(t, []string{"botwebhook"})
				} else {
					g.Kill(t)
					i.channel = ""
					want = tally{messages: 2, answers: 2, delivered: 4, duplicates: 1}
				}
				close(release)
				tr.w.Bots.Faults.Release()
				if killed == "gateway" {
					g.Start(t)
				}
				i.to = time.Now()
				tr.say(rnd, "c00", "c00-002", "c00-002 hello")
				tr.finish(t, g)
				e := tr.gather(t, g, []incident{i})
				e.strict = false // checkQuestions checks the dead letters
				e.answers = e.answersInCalls()
				v := evaluate(e)
				v.checkQuestions()
				v.report(t)
				if v.tally != want {
					t.Errorf("tally = %s, want %s", v.tally, want)
				}
			})
		}
	}
}

// answersInCalls returns the bots' accepted messages from the trails. The vendor does not know which of them arrived.
func (e *evidence) answersInCalls() []acceptedAnswer {
	var out []acceptedAnswer
	for _, trails := range e.trails {
		for i := range trails {
			for _, entry := range trails[i].Find("accepted") {
				if entry.Channel == "faq" {
					out = append(out, acceptedAnswer{"faq", entry.VendorID, entry.Text})
				}
			}
		}
	}
	return out
}

// checkQuestions checks that each message delivered to a bot has exactly one answer that is not fenced, and that a kill
// of the adapter explains each dead letter.
func (v *oracle) checkQuestions() {
	for user, trails := range v.trails {
		answers, fenced := map[string]int{}, map[string]bool{}
		names := map[string]string{} // message names by envelope
		for i := range trails {
			for _, e := range trails[i].Entries {
				switch {
				case e.Step == "accepted" && e.Channel == v.customerChannel():
					names[e.Envelope] = e.VendorID
				case e.Step == "fenced" && e.Delivery == "":
					fenced[e.Envelope] = true
				}
			}
			for _, e := range trails[i].Entries {
				question, ok := strings.CutPrefix(e.Text, "re ")
				if e.Step == "accepted" && e.Channel == "faq" && ok && !fenced[e.Envelope] {
					answers[messageName(question)]++
				}
				unknown := e.Kind == "unknown" && duringIncident(v.incidents, e.At, "faq")
				if e.Step == "dead" && !unknown && !v.killedTwice(v.indexes[user], e.Delivery) {
					v.addFinding(user, "delivery %s to %s is a dead letter (%s) without a kill of its adapter",
						e.Delivery, e.Channel, e.Kind)
				}
			}
		}
		b := v.indexes[user]
		for envelope, id := range names {
			for _, d := range b.queued[envelope] {
				ends := fmt.Sprint(b.ended[d])
				if b.channel[d] == "faq" && ends == "[delivered]" && answers[id] != 1 {
					v.addFinding(user, "%s is delivered to the bot with %d answers, want one", id, answers[id])
				}
			}
		}
	}
}
