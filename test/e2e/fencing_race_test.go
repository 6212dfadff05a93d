package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// Numbers of the test. A cycle is two handovers: to the agent and back to the bot.
const (
	raceCustomers = 250
	raceCycles    = 10
	raceHandovers = raceCustomers * raceCycles * 2
	laterAnswers  = 2                      // answers to each question in addition to the immediate answer
	latestAnswer  = 800 * time.Millisecond // maximum delay of these answers
)

// raceRoutes sends no notices. Its offers last long enough for a slow machine.
const raceRoutes = `
  - name: ask-for-an-agent
    from: customer
    when: owner_role == "bot" && mentions(["human"])
    offer: {to: desk, within: 10m}
`

// race moves customers between the bot and an agent repeatedly, while answers of earlier epochs arrive. Texts of the
// bot and of agents contain the number of their epoch.
type race struct {
	*system
	connects       map[string]chan struct{} // one element for each CONNECT, by user id at the desk
	chats          map[string]chan string   // the customer's texts, by user id at the desk
	pendingAnswers sync.WaitGroup           // answers of the bot that are not sent yet
	sent           atomic.Int64             // number of sent answers of the bot
	threads        sync.Map                 // raceEpoch → id of the bot's conversation
}

// raceEpoch identifies a period in which the bot is the owner of a customer's conversation.
type raceEpoch struct {
	user  string // id at the bot
	epoch int
}

// In 5,000 handovers, no answer of a channel may arrive after the event that passes control to another channel.
func TestNoFencedAnswerReachesTheCustomer(t *testing.T) {
	r := &race{connects: map[string]chan struct{}{}, chats: map[string]chan string{}}
	r.system = newSystem(t, harness.Vendors{
		Bots: botwebhook.Options{Answer: r.answerQuestion}, Desk: aicc.Options{ConnectEvent: true},
	}, harness.Config{
		Routes: raceRoutes, Limits: []string{"limits: {opened_per_minute: 0}", "log: {level: warn}"},
	})
	ctx := t.Context()
	users := make([]string, raceCustomers)
	for i := range users {
		users[i] = fmt.Sprintf("racer-%d", i)
		r.connects[deskID(users[i])] = make(chan struct{}, raceCycles)
		r.chats[deskID(users[i])] = make(chan string, 10*raceCycles)
	}
	var all sync.WaitGroup
	following, stop := context.WithCancel(ctx)
	all.Go(func() { r.followDesk(following) })
	var customers sync.WaitGroup
	for i, user := range users {
		customers.Go(func() {
			chance := rand.New(rand.NewPCG(1, uint64(i)))
			for cycle := range raceCycles {
				within, cancel := context.WithTimeout(ctx, 2*time.Minute) // all cycles run concurrently
				err := r.runCycle(within, user, cycle, chance)
				cancel()
				if err != nil {
					t.Errorf("%s, cycle %d: %v", user, cycle, err)
					return
				}
			}
		})
	}
	customers.Wait()
	r.pendingAnswers.Wait()
	stop()
	all.Wait()
	if t.Failed() {
		return
	}
	r.verifyAnswers(t, users)
}

// answerQuestion returns the immediate answer and schedules the later answers. An agent can have control then.
func (r *race) answerQuestion(c botwebhook.Conversation, messages []botwebhook.Message) []botwebhook.Answer {
	epoch, ok := epochOf(botwebhook.Question(messages))
	if !ok {
		return nil
	}
	seed, _ := strconv.ParseUint(c.UserID[:16], 16, 64) // any seed works
	chance := rand.New(rand.NewPCG(seed, uint64(epoch)))
	for n := range laterAnswers {
		r.pendingAnswers.Add(1)
		time.AfterFunc(time.Duration(chance.Int64N(int64(latestAnswer))), func() {
			defer r.pendingAnswers.Done()
			r.sendAnswer(c.ID, fmt.Sprintf("bot %d later %d", epoch, n))
		})
	}
	r.threads.Store(raceEpoch{c.UserID, epoch}, c.ID)
	r.sent.Add(1)
	return []botwebhook.Answer{{Text: fmt.Sprintf("bot %d now", epoch)}}
}

// sendAnswer sends an answer of the bot in a webhook call.
func (r *race) sendAnswer(conversation, text string) {
	if r.Bots.Answer(conversation, botwebhook.Answer{Text: text}) == nil {
		r.sent.Add(1)
	}
}

// epochOf returns the number of the epoch in a question.
func epochOf(question string) (int, bool) {
	var n int
	_, err := fmt.Sscanf(question, "question %d", &n)
	return n, err == nil
}

// followDesk sends the events at the desk to the channels of the customers.
func (r *race) followDesk(ctx context.Context) {
	for from := 0; ; {
		events, err := r.Desk.Events.Next(ctx, from)
		if err != nil {
			return
		}
		from += len(events)
		for _, e := range events {
			switch e.Kind {
			case "CONNECT":
				r.connects[e.User] <- struct{}{}
			case "CHAT":
				r.chats[e.User] <- e.Text
			}
		}
	}
}

// runCycle moves a customer from the bot to an agent and back.
func (r *race) runCycle(ctx context.Context, user string, n int, chance *rand.Rand) error {
	if err := harness.Say(ctx, r.Livechat, user, fmt.Sprintf("question %d", n)); err != nil {
		return err
	}
	if old, ok := r.threads.Load(raceEpoch{deskID(user), n - 1}); ok { // the bot's thread in the previous epoch
		r.sendAnswer(old.(string), fmt.Sprintf("bot %d again", n-1))
	}
	if chance.IntN(2) == 0 { // otherwise the answer is in flight during the offer
		answer := fmt.Sprintf("bot %d now", n)
		if err := r.Livechat.Answers(user).Wait(ctx, func(all []native.Answer) bool { return containsText(all, answer) }); err != nil {
			return fmt.Errorf("wait for %q: %w", answer, err)
		}
	}
	if err := harness.Say(ctx, r.Livechat, user, fmt.Sprintf("human %d", n)); err != nil {
		return err
	}
	select {
	case <-r.connects[deskID(user)]:
	case <-ctx.Done():
		return fmt.Errorf("wait for CONNECT: %w", ctx.Err())
	}
	if err := r.Desk.Accept(deskID(user), "Kim"); err != nil {
		return err
	}
	if _, err := r.Desk.Say(deskID(user), fmt.Sprintf("agent %d first", n)); err != nil {
		return err
	}
	if err := r.awaitHandovers(ctx, user, 2*n+1); err != nil {
		return err
	}
	last := fmt.Sprintf("human %d", n)
	if chance.IntN(2) == 0 {
		last = fmt.Sprintf("to the agent %d", n)
		if err := harness.Say(ctx, r.Livechat, user, last); err != nil {
			return err
		}
	}
	for text := ""; text != last; {
		select {
		case text = <-r.chats[deskID(user)]:
		case <-ctx.Done():
			return fmt.Errorf("wait for %q at the desk: %w", last, ctx.Err())
		}
	}
	lastMessage := r.Desk.Message(deskID(user), "AGENT", "CHAT", "TEXT", fmt.Sprintf("agent %d last", n))
	end, err := r.Desk.HangupWithoutPush(deskID(user))
	if err != nil {
		return err
	}
	fenced := r.Desk.Message(deskID(user), "AGENT", "CHAT", "TEXT", fmt.Sprintf("agent %d fenced", n))
	fenced.Timestamp = end.Timestamp + 1
	if err := r.Desk.Push(end, fenced, lastMessage); err != nil { // lastMessage was sent before the end
		return err
	}
	return r.awaitHandovers(ctx, user, 2*n+2)
}

// awaitHandovers waits until the customer has received the events of n handovers.
func (r *race) awaitHandovers(ctx context.Context, user string, n int) error {
	err := r.Livechat.Answers(user).Wait(ctx, func(all []native.Answer) bool {
		seen := 0
		for _, a := range all {
			if a.Payload.Event != nil {
				seen++
			}
		}
		return seen >= n
	})
	if err != nil {
		return fmt.Errorf("wait for handover %d: %w", n, err)
	}
	return nil
}

func containsText(all []native.Answer, text string) bool {
	for _, a := range all {
		if a.Payload.BotSay == text {
			return true
		}
	}
	return false
}

// verifyAnswers checks the answers of each customer: each text must be of the current owner and epoch. It also checks
// that each answer of the bot has arrived or was fenced.
func (r *race) verifyAnswers(t *testing.T, users []string) {
	t.Helper()
	harness.Eventually(t, harness.Timeout, "all answers are accepted", func() string {
		outcomes := r.Bots.Outcomes.All()
		failed := slices.ContainsFunc(outcomes, func(o simulator.Outcome) bool { return !o.Accepted })
		if n := int64(len(outcomes)); n != r.sent.Load() || failed {
			return fmt.Sprintf("%d of %d, failures: %t", n, r.sent.Load(), failed)
		}
		if n := r.Metric(t, "patchbay_deliveries_pending"); n != 0 {
			return fmt.Sprintf("%v pending deliveries", n)
		}
		return ""
	})
	got, handovers := map[string]int{}, 0
	for _, user := range users {
		owner, epoch := "bot", 0
		for i, a := range r.Livechat.AllAnswers(user) {
			if e := a.Payload.Event; e != nil {
				handovers++
				owner = e.OwnerRole
				if owner == "bot" {
					epoch++
				}
				continue
			}
			var sent int
			role, _, _ := strings.Cut(a.Payload.BotSay, " ")
			if role == "bot" || role == "agent" {
				if _, err := fmt.Sscanf(a.Payload.BotSay, role+" %d", &sent); err != nil {
					t.Fatalf("%s got %q", user, a.Payload.BotSay)
				}
				got[role]++
				if role != owner || sent != epoch || strings.HasSuffix(a.Payload.BotSay, "fenced") {
					t.Errorf("%s got %q as answer %d, in epoch %d of the %s:\n%s", user, a.Payload.BotSay, i, epoch, owner,
						formatAnswers(r.Livechat.AllAnswers(user)[max(0, i-6):i+1]))
				}
			}
		}
		if repeated := r.Livechat.RepeatedAnswers(user); len(repeated) > 0 {
			t.Errorf("%s got duplicate answers:\n%s", user, formatAnswers(repeated))
		}
	}
	if handovers != raceHandovers {
		t.Errorf("%d handovers, want %d", handovers, raceHandovers)
	}
	if want := raceCustomers * raceCycles * 2; got["agent"] != want {
		t.Errorf("%d answers of agents arrived, want all %d", got["agent"], want)
	}
	fenced := int(r.Metric(t, "patchbay_fenced_total", "channel", "faq"))
	if fenced == 0 || got["bot"] == 0 {
		t.Errorf("%d answers of the bot arrived and %d were fenced: there was no race", got["bot"], fenced)
	}
	if sent := int(r.sent.Load()); got["bot"]+fenced != sent {
		t.Errorf("of %d answers of the bot, %d arrived and %d were fenced: the others are lost", sent, got["bot"], fenced)
	}
	if n := r.Metric(t, "patchbay_dead_letters_total"); n != 0 {
		t.Errorf("%v dead letters, want none", n)
	}
	t.Logf("%d handovers; answers of the bot: %d arrived, %d fenced", handovers, got["bot"], fenced)
}
