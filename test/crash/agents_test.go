package crash

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// runAgents serves the customers at the desk. Agents accept most customers, send a few lines and hang up. Some offers
// expire, and the desk ends some chats by its timeout.
func (tr *traffic) runAgents() { tr.serveChats(tr.serveCustomer) }

// serveChats calls serve in a new goroutine for each customer that connects to the desk.
func (tr *traffic) serveChats(serve func(rnd *rand.Rand, user string)) {
	rnd := newRand(tr.seed, "agents")
	var chats sync.WaitGroup
	defer chats.Wait()
	for from := 0; ; {
		events, err := tr.w.Desk.Events.Next(tr.staffCtx, from)
		if err != nil {
			return
		}
		from += len(events)
		for _, e := range events {
			if e.Kind == "CONNECT" {
				agentRand, user := rand.New(rand.NewPCG(rnd.Uint64(), 0)), e.User
				chats.Go(func() { serve(agentRand, user) })
			}
		}
	}
}

// serveCustomer runs the chat of one agent with one customer. Its calls can fail: the customer may have disconnected,
// and after a repeated CONNECT another goroutine serves the same chat.
func (tr *traffic) serveCustomer(rnd *rand.Rand, user string) {
	pause(tr.staffCtx, time.Duration(rnd.IntN(400))*time.Millisecond)
	switch rnd.IntN(12) {
	case 0:
		return // the offer expires
	case 1:
		_ = tr.w.Desk.TimeOut(user, false)
		return
	}
	if tr.w.Desk.Accept(user, "Ann") != nil {
		return
	}
	for range 1 + rnd.IntN(4) {
		n := tr.serial.Add(1)
		var err error
		if tr.pictures && n%3 == 0 {
			_, err = tr.w.Desk.SendFile(user, "IMAGE", "png", picture(fmt.Sprintf("picture #%d", n)))
		} else {
			_, err = tr.w.Desk.Say(user, fmt.Sprintf("line #%d", n))
		}
		if err != nil {
			return
		}
		pause(tr.staffCtx, time.Duration(50+rnd.IntN(500))*time.Millisecond)
	}
	_ = tr.w.Desk.Hangup(user)
}
