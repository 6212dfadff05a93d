package crash

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// staff answers the customers who come to the desk: most are taken after a moment and told a few lines until the agent
// hangs up, some wait in vain, some are sent away by the desk's own time-out.
func (tr *traffic) staff() {
	rnd := chance(tr.seed, "staff")
	var chats sync.WaitGroup
	defer chats.Wait()
	for from := 0; ; {
		events, err := tr.w.Desk.Events.Next(tr.shift, from)
		if err != nil {
			return
		}
		from += len(events)
		for _, e := range events {
			if e.Kind == "CONNECT" {
				mood, user := rand.New(rand.NewPCG(rnd.Uint64(), 0)), e.User
				chats.Go(func() { tr.serve(mood, user) })
			}
		}
	}
}

// serve is one agent and one customer. Errors mean that the chat has gone on without this agent: the customer's side has left, or
// it is a repeated CONNECT of a chat that somebody has.
func (tr *traffic) serve(rnd *rand.Rand, user string) {
	pause(tr.shift, time.Duration(rnd.IntN(400))*time.Millisecond)
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
		pause(tr.shift, time.Duration(50+rnd.IntN(500))*time.Millisecond)
	}
	_ = tr.w.Desk.Hangup(user)
}
