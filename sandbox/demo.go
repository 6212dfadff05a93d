package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"

	"patchbay/sandbox/native"
)

// demo is a conversation of a customer with the bot, with an agent and with the bot again, before and after a restart.
type demo struct {
	*deployment
	out    io.Writer
	within time.Duration // limit of each step

	user        string // the customer's id at the website
	deskUser    string // the customer's id at the desk
	lastMessage string // id of the customer's last message
	printed     int    // number of printed answers
}

// action executes or checks one part of a step.
type action func(context.Context) error

// step is a step of the demo. The error of a failed step contains its name.
type step struct {
	name    string
	actions []action
}

func (st *demo) steps() []step {
	const greeting, hello = "Hello! How can I help you?", "Hello, this is Kim. What can I do for you?"
	const question, office, thanks = "My parcel has not come.", "It is at the post office.", "Thank you, I will fetch it."
	return []step{
		{"the gateway starts", []action{st.gw.Start}},
		{"the bot answers the customer's hello", []action{st.customer("hello"), st.answered("bot", greeting), st.trace}},
		{"asking for an agent brings a notice and an entry at the desk",
			[]action{st.customer("I want a human"), st.answered("system", ""), st.awaitQueued, st.trace}},
		{"the agent accepts and greets the customer", []action{st.accept, st.agent(hello), st.answered("agent", hello)}},
		{"the customer's answer reaches the agent", []action{st.customer(question), st.shownAtDesk(question), st.trace}},
		{"the agent's second message reaches the customer", []action{st.agent(office), st.answered("agent", office)}},
		{"the customer's second answer reaches the agent", []action{st.customer(thanks), st.shownAtDesk(thanks), st.trace}},
		{"the agent's picture reaches the chat page", []action{st.pictureToCustomer}},
		{"the customer's picture reaches the agent", []action{st.pictureToAgent, st.trace}},
		{"the agent closes and the customer gets a notice", []action{st.hangup, st.answered("system", "")}},
		{"the bot answers again", []action{st.customer("hello again"), st.answered("bot", greeting), st.trace}},
		{"the gateway stops on SIGINT and leaves no process", []action{st.gw.Stop}},
		{"the gateway starts on the same store", []action{st.gw.Start}},
		{"the conversation continues", []action{st.customer("Are you still there?"),
			st.answered("bot", "You said: Are you still there?"), st.trace, st.sameConversation}},
		{"the gateway stops again", []action{st.gw.Stop}},
	}
}

func (st *demo) run(ctx context.Context) error {
	st.user = "demo-" + time.Now().UTC().Format("20060102-150405")
	for i, s := range st.steps() {
		st.printf("\n%2d. %s", i+1, s.name)
		var err error
		within, cancel := context.WithTimeout(ctx, st.within)
		for _, act := range s.actions {
			if err = act(within); err != nil {
				break
			}
		}
		cancel()
		if err != nil {
			return fmt.Errorf("step %d failed, %q: %w", i+1, s.name, err)
		}
	}
	st.printf("\nAll %d steps passed.", len(st.steps()))
	return nil
}

func (st *demo) printf(format string, args ...any) { fmt.Fprintf(st.out, format+"\n", args...) }

func (st *demo) printLine(speaker, text string) {
	st.printf("    %-10s %s", speaker+":", strings.ReplaceAll(text, "\n", "\n               "))
}

// customer returns an action that sends a text of the customer.
func (st *demo) customer(text string) action {
	return func(ctx context.Context) error {
		st.printLine("customer", text)
		st.lastMessage = "demo-" + rand.Text()
		return st.s.say(ctx, st.user, text, st.lastMessage)
	}
}

// trace prints the path of the customer's last message through the gateway.
func (st *demo) trace(ctx context.Context) error {
	return printTrace(ctx, st.out, st.gw.Admin, st.lastMessage)
}

// answered returns an action that waits for a text from role. The text must equal want unless want is empty.
func (st *demo) answered(role, want string) action {
	return func(ctx context.Context) error {
		_, err := st.await(ctx, func(a native.Answer) bool {
			return a.Payload.Sender.Role == role && a.Payload.BotSay != "" && (want == "" || a.Payload.BotSay == want)
		})
		if err != nil {
			return fmt.Errorf("the customer got no %q from %s: %w", want, role, err)
		}
		return nil
	}
}

// await waits for an answer for which done returns true, and prints all answers up to this one.
func (st *demo) await(ctx context.Context, done func(native.Answer) bool) (native.Answer, error) {
	for {
		answers, err := st.s.Livechat.Answers(st.user).Next(ctx, st.printed)
		if err != nil {
			return native.Answer{}, err
		}
		for _, a := range answers {
			st.printed++
			p := a.Payload
			if p.Event != nil {
				st.printf("    (livechat) %s %s %s %s", p.Event.Type, p.Event.OwnerRole, p.Event.Title, p.Event.Reason)
			}
			if p.BotSay != "" {
				st.printLine(p.Sender.Role, p.BotSay)
			}
			for _, m := range p.Media {
				st.printLine(p.Sender.Role, "("+m.Type+")")
			}
			if done(a) {
				return a, nil
			}
		}
	}
}

// sameConversation requires that the bot was asked in the same conversation as before.
func (st *demo) sameConversation(context.Context) error {
	asked := st.s.Bots.SendCalls.All()
	last, before := asked[len(asked)-1].Conversation.ID, asked[len(asked)-2].Conversation.ID
	if last != before {
		return fmt.Errorf("the bot received the question in conversation %s, want %s as before the restart", last, before)
	}
	st.printf("    (gptbots)  still conversation %s", last)
	return nil
}
