package main

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"slices"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/native"
)

//go:embed web/sample.png
var samplePicture []byte

// awaitQueued waits until a customer is in the desk's queue.
func (st *demo) awaitQueued(ctx context.Context) error {
	err := st.s.Desk.Events.Wait(ctx, func([]aicc.Event) bool { return len(st.s.Desk.Waiting()) > 0 })
	if err != nil {
		return fmt.Errorf("no customer waits at the desk: %w", err)
	}
	w := st.s.Desk.Waiting()[0]
	st.deskUser = w.User
	st.printf("    (desk)     %s is waiting as %s", w.Name, w.User)
	return nil
}

func (st *demo) accept(context.Context) error {
	st.printf("    (desk)     %s accepts", agentName)
	return st.s.Desk.Accept(st.deskUser, agentName)
}

func (st *demo) agent(text string) action {
	return func(context.Context) error {
		st.printf("    (desk)     the agent writes %q", text)
		_, err := st.s.Desk.Say(st.deskUser, text)
		return err
	}
}

func (st *demo) hangup(context.Context) error {
	st.printf("    (desk)     %s closes the chat", agentName)
	return st.s.Desk.Hangup(st.deskUser)
}

// shownAtDesk returns an action that waits for a text of the customer at the desk.
func (st *demo) shownAtDesk(text string) action {
	return func(ctx context.Context) error {
		_, err := st.awaitLine(ctx, func(l aicc.Line) bool { return l.Text == text })
		if err == nil {
			st.printf("    (desk)     shows %q", text)
		}
		return err
	}
}

// awaitLine waits for a line of the customer for which done returns true.
func (st *demo) awaitLine(ctx context.Context, done func(aicc.Line) bool) (found aicc.Line, err error) {
	err = st.s.Desk.Events.Wait(ctx, func(all []aicc.Event) bool {
		i := slices.IndexFunc(all, func(e aicc.Event) bool { return e.From == "customer" && done(e.Line) })
		if i >= 0 {
			found = all[i].Line
		}
		return i >= 0
	})
	if err != nil {
		return found, fmt.Errorf("the message is not at the desk: %w", err)
	}
	return found, nil
}

// pictureToCustomer sends a picture of the agent, and loads it from the link in the answer as the chat page does.
func (st *demo) pictureToCustomer(ctx context.Context) error {
	st.printf("    (desk)     the agent sends a picture")
	if _, err := st.s.Desk.SendFile(st.deskUser, "IMAGE", "png", samplePicture); err != nil {
		return err
	}
	a, err := st.await(ctx, func(a native.Answer) bool { return len(a.Payload.Media) > 0 })
	if err != nil {
		return fmt.Errorf("the customer got no image from the agent: %w", err)
	}
	got, _, err := st.s.Livechat.Download(ctx, a.Payload.Media[0].URL)
	if err != nil {
		return err
	}
	return st.compare("(livechat)", got)
}

// pictureToAgent sends a picture of the customer, and reads it at the desk.
func (st *demo) pictureToAgent(ctx context.Context) error {
	st.printLine("customer", "(sends a picture)")
	st.lastMessage = "demo-" + rand.Text()
	sample := picture{"sample.png", "image/png", samplePicture}
	if err := st.s.sendPicture(ctx, st.user, sample, st.lastMessage); err != nil {
		return err
	}
	l, err := st.awaitLine(ctx, func(l aicc.Line) bool { return l.File != "" })
	if err != nil {
		return err
	}
	f, _ := st.s.Desk.File(l.File)
	return st.compare("(desk)", f.Content)
}

// compare returns an error if the image that a page shows is not the sample.
func (st *demo) compare(page string, got []byte) error {
	if !bytes.Equal(got, samplePicture) {
		return fmt.Errorf("%s shows another image: %d bytes, want %d", page, len(got), len(samplePicture))
	}
	st.printf("    %-10s shows the image, %d bytes", page, len(got))
	return nil
}
