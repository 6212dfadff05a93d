package crash

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// longRetry configures retries that last longer than a test.
var longRetry = simulator.Retry{Attempts: 2000, First: 20 * time.Millisecond, Max: 150 * time.Millisecond}

// vendors returns the options of the vendors. Each answer of a bot contains the name of the question, a unique number
// and the bot's conversation. All vendors wait between the effect of a call and its response, so that a kill can make
// the outcome unknown.
func (tr *traffic) vendors() harness.Vendors {
	v := harness.Vendors{Retry: &longRetry, Wrap: afterHandling(func(*http.Request, []byte) { tr.delayResponse() })}
	v.Bots.Answer = func(c botwebhook.Conversation, m []botwebhook.Message) []botwebhook.Answer {
		return []botwebhook.Answer{tr.newAnswer(c.ID, "re "+messageName(botwebhook.Question(m)))}
	}
	v.Desk.ConnectEvent = true
	return v
}

// afterHandling returns a function for harness.Vendors.Wrap. It calls do with each request and the body of the response
// after the vendor has handled the request and before it sends the response.
func afterHandling(do func(r *http.Request, body []byte)) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := &copier{ResponseWriter: w}
			h.ServeHTTP(c, r) // net/http sends a short response only when the handler returns
			do(r, c.body.Bytes())
		})
	}
}

// copier records a body while it writes it.
type copier struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (c *copier) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *copier) Write(b []byte) (int, error) {
	c.body.Write(b)
	return c.ResponseWriter.Write(b)
}

func (tr *traffic) delayResponse() {
	if tr.beforeResponse != nil {
		tr.beforeResponse()
		return
	}
	pause(tr.ctx, rand.N(40*time.Millisecond))
}

func (tr *traffic) newAnswer(conversation, text string) botwebhook.Answer {
	n := tr.serial.Add(1)
	return botwebhook.Answer{
		Text: fmt.Sprintf("%s #%d in %s", text, n, conversation), MessageID: fmt.Sprintf("answer-%d", n),
	}
}

// sendLateAnswers sends a second answer of the bot to some questions, often after control has moved.
func (tr *traffic) sendLateAnswers() {
	rnd := newRand(tr.seed, "late bots")
	var running sync.WaitGroup
	defer running.Wait()
	for from := 0; ; {
		asked, err := tr.w.Bots.SendCalls.Next(tr.staffCtx, from)
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
				if pause(tr.staffCtx, after) {
					text := "late " + messageName(botwebhook.Question(a.Messages))
					_ = tr.w.Bots.Answer(a.Conversation.ID, tr.newAnswer(a.Conversation.ID, text))
				}
			})
		}
	}
}
