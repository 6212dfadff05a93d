package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
)

// story is one customer's way from the bot to a person and back, and over a restart of the gateway.
type story struct {
	s      *Sandbox
	gw     *gateway
	out    io.Writer
	within time.Duration
	user   string // the live chat's user id
	media  bool   // with the steps in which pictures go both ways
	client http.Client

	seen      int    // answers that the customer has read
	deskUser  string // the customer's id at the desk
	lastBotID string // GPTBots conversation of the last answer
}

// step is one scene; its name is what a failure reports.
type step struct {
	name string
	play func(context.Context) error
}

// steps are all scenes in their order.
func (st *story) steps() []step {
	steps := []step{
		{"the gateway starts", st.gw.start},
		{"the bot answers the customer's hello", st.says("hello", "Hello! How can I help you?")},
		{"asking for a person brings a notice and an entry at the desk", st.askForPerson},
		{"the agent accepts and greets the customer", st.accept},
		{"the customer's answer reaches the agent", st.customerToAgent("My parcel has not come.")},
		{"the agent's second message reaches the customer", st.agentToCustomer("It is at the post office.")},
		{"the customer's second answer reaches the agent", st.customerToAgent("Thank you, I will fetch it.")},
	}
	if st.media {
		steps = append(steps,
			step{"the agent's picture reaches the chat page", st.pictureToCustomer},
			step{"the customer's picture reaches the agent", st.pictureToAgent})
	}
	return append(steps, []step{
		{"the agent closes and the customer is told", st.closeChat},
		{"the bot answers again", st.says("hello again", "Hello! How can I help you?")},
		{"the gateway stops on SIGINT with nothing left behind", st.gw.stop},
		{"the gateway starts on the same store", st.gw.start},
		{"the conversation goes on where it was", st.goesOn},
		{"the gateway stops again", st.gw.stop},
	}...)
}

func (st *story) play(ctx context.Context) error {
	steps := st.steps()
	for i, s := range steps {
		fmt.Fprintf(st.out, "\n%2d. %s\n", i+1, s.name)
		stepCtx, cancel := context.WithTimeout(ctx, st.within)
		err := s.play(stepCtx)
		cancel()
		if err != nil {
			return fmt.Errorf("step %d is missing, %q: %w", i+1, s.name, err)
		}
	}
	fmt.Fprintf(st.out, "\nAll %d steps were there.\n", len(steps))
	return nil
}

// say sends the customer's words and prints what each hop did with them once check is content.
func (st *story) say(ctx context.Context, text string, check func() error) error {
	id := "demo-" + rand.Text()
	st.tell("customer", text)
	if err := st.s.say(ctx, st.user, text, id); err != nil {
		return fmt.Errorf("the gateway did not take %q: %w", text, err)
	}
	if err := check(); err != nil {
		return err
	}
	return printTrace(ctx, &st.client, st.out, "http://"+st.gw.admin, id)
}

// says returns a scene in which the customer says text and the bot answers want.
func (st *story) says(text, want string) func(context.Context) error {
	return func(ctx context.Context) error {
		return st.say(ctx, text, func() error {
			if err := st.hear(ctx, "bot", want); err != nil {
				return err
			}
			all := st.s.Bots.Asked.All()
			for _, a := range all {
				if botwebhook.Question(a.Messages) == text {
					st.lastBotID = a.Conversation.ID
				}
			}
			return nil
		})
	}
}

func (st *story) askForPerson(ctx context.Context) error {
	return st.say(ctx, "I want a human", func() error {
		if err := st.hear(ctx, "system", ""); err != nil {
			return err
		}
		err := st.s.Desk.Wait(ctx, func([]aicc.Event) bool { return len(st.s.Desk.Waiting()) > 0 })
		if err != nil {
			return fmt.Errorf("nobody waits at the desk: %w", err)
		}
		w := st.s.Desk.Waiting()[0]
		st.deskUser = w.User
		fmt.Fprintf(st.out, "    (desk)     %s is waiting as %s\n", w.Name, w.User)
		return nil
	})
}

func (st *story) accept(ctx context.Context) error {
	if err := st.s.Desk.Accept(st.deskUser, agentName); err != nil {
		return err
	}
	fmt.Fprintf(st.out, "    (desk)     %s accepts\n", agentName)
	return st.agentToCustomer("Hello, this is Kim. What can I do for you?")(ctx)
}

func (st *story) agentToCustomer(text string) func(context.Context) error {
	return func(ctx context.Context) error {
		fmt.Fprintf(st.out, "    (desk)     the agent writes %q\n", text)
		if _, err := st.s.Desk.Say(st.deskUser, text); err != nil {
			return err
		}
		return st.hear(ctx, "agent", text)
	}
}

func (st *story) customerToAgent(text string) func(context.Context) error {
	return func(ctx context.Context) error {
		return st.say(ctx, text, func() error {
			err := st.s.Desk.Wait(ctx, func([]aicc.Event) bool { return st.deskHas(text) })
			if err != nil {
				return fmt.Errorf("%q is not at the desk: %w", text, err)
			}
			fmt.Fprintf(st.out, "    (desk)     shows %q\n", text)
			return nil
		})
	}
}

func (st *story) deskHas(text string) bool {
	chat, _ := st.s.Desk.Chat(st.deskUser)
	for _, l := range chat.Lines {
		if l.From == "customer" && l.Text == text {
			return true
		}
	}
	return false
}

func (st *story) closeChat(ctx context.Context) error {
	if err := st.s.Desk.Hangup(st.deskUser); err != nil {
		return err
	}
	fmt.Fprintf(st.out, "    (desk)     %s closes the chat\n", agentName)
	return st.hear(ctx, "system", "")
}

func (st *story) goesOn(ctx context.Context) error {
	before := st.lastBotID
	if err := st.says("Are you still there?", "You said: Are you still there?")(ctx); err != nil {
		return err
	}
	if st.lastBotID != before {
		return fmt.Errorf("the bot was asked in conversation %s, before the restart it was %s: %w",
			st.lastBotID, before, errOtherConversation)
	}
	fmt.Fprintf(st.out, "    (gptbots)  still conversation %s\n", before)
	return nil
}

var errOtherConversation = errors.New("the conversation did not go on")

// hear waits until the customer got words from role, exactly want unless that is "".
func (st *story) hear(ctx context.Context, role, want string) error {
	err := st.await(ctx, func(a native.Answer) bool {
		return a.Payload.Sender.Role == role && a.Payload.BotSay != "" && (want == "" || a.Payload.BotSay == want)
	})
	if err != nil {
		return fmt.Errorf("the customer got no %q from %s: %w", want, role, err)
	}
	return nil
}

// await waits until the customer got an answer of which done holds. Everything that arrives meanwhile is printed.
func (st *story) await(ctx context.Context, done func(native.Answer) bool) error {
	for {
		answers, err := st.s.Livechat.Next(ctx, st.user, st.seen)
		if err != nil {
			return err
		}
		for _, a := range answers {
			st.seen++
			st.tellAnswer(a)
			if done(a) {
				return nil
			}
		}
	}
}

func (st *story) tell(who, text string) {
	fmt.Fprintf(st.out, "    %-10s %s\n", who+":", strings.ReplaceAll(text, "\n", "\n               "))
}

func (st *story) tellAnswer(a native.Answer) {
	if e := a.Payload.Event; e != nil {
		fmt.Fprintf(st.out, "    (livechat) %s %s %s %s\n", e.Type, e.Owner, e.OwnerRole, e.Reason)
	}
	if a.Payload.BotSay != "" {
		st.tell(a.Payload.Sender.Role, a.Payload.BotSay)
	}
	for _, m := range a.Payload.Media {
		st.tell(a.Payload.Sender.Role, "("+m.Type+")")
	}
}

// explain prints what helps to find out why a step is missing.
func (st *story) explain(ctx context.Context) {
	fmt.Fprintln(st.out, "\nWhat the pretend vendors refused:")
	for name, problems := range map[string][]string{
		"livechat": st.s.Livechat.Problems.All(), "gptbots": st.s.Bots.Problems.All(),
		"aicc": st.s.Desk.Problems.All(),
	} {
		for _, p := range problems {
			fmt.Fprintf(st.out, "    %s: %s\n", name, p)
		}
	}
	if ctx.Err() == nil {
		// Only a help on top of the failure that is reported anyway.
		_ = printTrace(ctx, &st.client, st.out, "http://"+st.gw.admin, st.user)
	}
	fmt.Fprintf(st.out, "\nEnd of the gateway's log:\n%s\n", st.gw.logTail(30))
}
