package crash

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// patient is how vendors try again: for as long as a test lasts.
var patient = simulator.Retry{Attempts: 2000, First: 20 * time.Millisecond, Max: 150 * time.Millisecond}

// vendors are a world whose bots name what they answer, and in which conversation, and give every answer words of its own.
// All vendors take a moment between the effect of a call and its answer: a kill in between makes the call's outcome unknown.
func (tr *traffic) vendors() harness.Vendors {
	v := harness.Vendors{Retry: &patient, Answered: func(*http.Request, []byte) { tr.linger() }}
	v.Bots.Brain = func(c botwebhook.Conversation, m []botwebhook.Message) []botwebhook.Answer {
		return []botwebhook.Answer{tr.answer(c.ID, "re "+name(botwebhook.Question(m)))}
	}
	v.Desk.ConnectEvent = true
	return v
}

func (tr *traffic) linger() {
	if tr.hold != nil {
		tr.hold()
		return
	}
	pause(tr.ctx, rand.N(40*time.Millisecond))
}

func (tr *traffic) answer(conversation, text string) botwebhook.Answer {
	n := tr.serial.Add(1)
	return botwebhook.Answer{Text: fmt.Sprintf("%s #%d in %s", text, n, conversation), MessageID: fmt.Sprintf("answer-%d", n)}
}

// lateBots let bots speak a second time, a while after they were asked: often when control has moved.
func (tr *traffic) lateBots() {
	rnd := chance(tr.seed, "late bots")
	var running sync.WaitGroup
	defer running.Wait()
	for from := 0; ; {
		asked, err := tr.w.Bots.Asked.Next(tr.shift, from)
		if err != nil {
			return
		}
		from += len(asked)
		for _, a := range asked {
			if rnd.IntN(6) > 0 {
				continue
			}
			after := time.Duration(rnd.IntN(1500)) * time.Millisecond
			running.Go(func() {
				if pause(tr.shift, after) {
					_ = tr.w.Bots.Answer(a.Conversation.ID, tr.answer(a.Conversation.ID, "late "+name(botwebhook.Question(a.Messages))))
				}
			})
		}
	}
}
