package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
)

// story is the demo: one customer's path from the bot to an agent and back, and over a restart of the gateway.
type story struct {
	*stage
	out    io.Writer
	within time.Duration // limit of each step
	media  bool          // with the steps in which pictures go both ways

	user         string // the customer's id at the website
	deskUser     string // the customer's id at the desk
	seen         int    // answers that were printed
	conversation string // of the bot's last answer
}

// action is what a step of the story does and checks.
type action func(context.Context) error

// steps are the names and the actions of all steps.
func (st *story) steps() (names []string, actions []action) {
	add := func(name string, a action) { names, actions = append(names, name), append(actions, a) }
	add("the gateway starts", st.gw.Start)
	add("the bot answers the customer's hello", st.ask("hello", "Hello! How can I help you?"))
	add("asking for a person brings a notice and an entry at the desk", st.askForPerson)
	add("the agent accepts and greets the customer", st.accept)
	add("the customer's answer reaches the agent", st.customerToAgent("My parcel has not come."))
	add("the agent's second message reaches the customer", st.agentToCustomer("It is at the post office."))
	add("the customer's second answer reaches the agent", st.customerToAgent("Thank you, I will fetch it."))
	if st.media {
		add("the agent's picture reaches the chat page", st.pictureToCustomer)
		add("the customer's picture reaches the agent", st.pictureToAgent)
	}
	add("the agent closes and the customer is told", st.closeChat)
	add("the bot answers again", st.ask("hello again", "Hello! How can I help you?"))
	add("the gateway stops on SIGINT and leaves no process", st.gw.Stop)
	add("the gateway starts on the same store", st.gw.Start)
	add("the conversation continues", st.continues)
	add("the gateway stops again", st.gw.Stop)
	return names, actions
}

func (st *story) play(ctx context.Context) error {
	st.user = "demo-" + time.Now().UTC().Format("20060102-150405")
	names, actions := st.steps()
	for i, a := range actions {
		st.printf("\n%2d. %s", i+1, names[i])
		stepCtx, cancel := context.WithTimeout(ctx, st.within)
		err := a(stepCtx)
		cancel()
		if err != nil {
			return fmt.Errorf("step %d failed, %q: %w", i+1, names[i], err)
		}
	}
	st.printf("\nAll %d steps passed.", len(actions))
	return nil
}

func (st *story) printf(format string, args ...any) { fmt.Fprintf(st.out, format+"\n", args...) }

func (st *story) printLine(speaker, text string) {
	st.printf("    %-10s %s", speaker+":", strings.ReplaceAll(text, "\n", "\n               "))
}

// send sends a customer's message and prints its trace once check succeeds.
func (st *story) send(ctx context.Context, send func(id string) error, check action) error {
	id := "demo-" + rand.Text()
	if err := send(id); err != nil {
		return fmt.Errorf("the gateway did not take the message: %w", err)
	}
	if err := check(ctx); err != nil {
		return err
	}
	return printTrace(ctx, st.out, st.gw.Admin, id)
}

func (st *story) say(ctx context.Context, text string, check action) error {
	st.printLine("customer", text)
	return st.send(ctx, func(id string) error { return st.s.say(ctx, st.user, text, id) }, check)
}

// ask returns a step in which the customer asks the bot, and gets this answer.
func (st *story) ask(question, answer string) action {
	return func(ctx context.Context) error {
		return st.say(ctx, question, func(ctx context.Context) error {
			err := st.hear(ctx, "bot", answer)
			for _, a := range st.s.Bots.Asked.All() {
				if botwebhook.Question(a.Messages) == question {
					st.conversation = a.Conversation.ID
				}
			}
			return err
		})
	}
}

func (st *story) askForPerson(ctx context.Context) error {
	return st.say(ctx, "I want a human", func(ctx context.Context) error {
		if err := st.hear(ctx, "system", ""); err != nil {
			return err
		}
		err := st.s.Desk.Wait(ctx, func([]aicc.Event) bool { return len(st.s.Desk.Waiting()) > 0 })
		if err != nil {
			return fmt.Errorf("no customer waits at the desk: %w", err)
		}
		w := st.s.Desk.Waiting()[0]
		st.deskUser = w.User
		st.printf("    (desk)     %s is waiting as %s", w.Name, w.User)
		return nil
	})
}

func (st *story) accept(ctx context.Context) error {
	if err := st.s.Desk.Accept(st.deskUser, agentName); err != nil {
		return err
	}
	st.printf("    (desk)     %s accepts", agentName)
	return st.agentToCustomer("Hello, this is Kim. What can I do for you?")(ctx)
}

func (st *story) agentToCustomer(text string) action {
	return func(ctx context.Context) error {
		st.printf("    (desk)     the agent writes %q", text)
		if _, err := st.s.Desk.Say(st.deskUser, text); err != nil {
			return err
		}
		return st.hear(ctx, "agent", text)
	}
}

func (st *story) customerToAgent(text string) action {
	return func(ctx context.Context) error {
		return st.say(ctx, text, func(ctx context.Context) error {
			_, err := st.lineAtDesk(ctx, func(l aicc.Line) bool { return l.Text == text })
			if err == nil {
				st.printf("    (desk)     shows %q", text)
			}
			return err
		})
	}
}

// lineAtDesk waits for a line of the customer at the desk for which is returns true.
func (st *story) lineAtDesk(ctx context.Context, is func(aicc.Line) bool) (found aicc.Line, err error) {
	err = st.s.Desk.Wait(ctx, func([]aicc.Event) bool {
		chat, _ := st.s.Desk.Chat(st.deskUser)
		for _, l := range chat.Lines {
			if l.From == "customer" && is(l) {
				found = l
				return true
			}
		}
		return false
	})
	if err != nil {
		return found, fmt.Errorf("the message is not at the desk: %w", err)
	}
	return found, nil
}

func (st *story) closeChat(ctx context.Context) error {
	if err := st.s.Desk.Hangup(st.deskUser); err != nil {
		return err
	}
	st.printf("    (desk)     %s closes the chat", agentName)
	return st.hear(ctx, "system", "")
}

var errOtherConversation = errors.New("the conversation did not continue")

func (st *story) continues(ctx context.Context) error {
	before := st.conversation
	if err := st.ask("Are you still there?", "You said: Are you still there?")(ctx); err != nil {
		return err
	}
	if st.conversation != before {
		return fmt.Errorf("the bot was asked in conversation %s, before the restart in %s: %w", st.conversation, before, errOtherConversation)
	}
	st.printf("    (gptbots)  still conversation %s", before)
	return nil
}

// hear waits for a text from role, exactly want unless that is "".
func (st *story) hear(ctx context.Context, role, want string) error {
	err := st.await(ctx, func(a native.Answer) bool {
		return a.Payload.Sender.Role == role && a.Payload.BotSay != "" && (want == "" || a.Payload.BotSay == want)
	})
	if err != nil {
		return fmt.Errorf("the customer got no %q from %s: %w", want, role, err)
	}
	return nil
}

// await waits for an answer for which done returns true, and prints all answers until then.
func (st *story) await(ctx context.Context, done func(native.Answer) bool) error {
	for {
		answers, err := st.s.Livechat.Next(ctx, st.user, st.seen)
		if err != nil {
			return err
		}
		for _, a := range answers {
			st.seen++
			st.printAnswer(a)
			if done(a) {
				return nil
			}
		}
	}
}

func (st *story) printAnswer(a native.Answer) {
	if e := a.Payload.Event; e != nil {
		st.printf("    (livechat) %s %s %s %s", e.Type, e.Owner, e.OwnerRole, e.Reason)
	}
	if a.Payload.BotSay != "" {
		st.printLine(a.Payload.Sender.Role, a.Payload.BotSay)
	}
	for _, m := range a.Payload.Media {
		st.printLine(a.Payload.Sender.Role, "("+m.Type+")")
	}
}

// explain prints the calls that the vendors refused.
func (st *story) explain() {
	st.printf("\nRefused by the simulated vendors:")
	for name, v := range st.s.vendors() {
		for _, p := range v.Problems.All() {
			st.printf("    %s: %s", name, p)
		}
	}
}
