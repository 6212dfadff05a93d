package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/native"
)

// pictureToCustomer makes the agent send a picture, and loads it from the link in the answer as the chat page does.
func (st *story) pictureToCustomer(ctx context.Context) error {
	sample, err := web.ReadFile("web/sample.png")
	if err != nil {
		return err
	}
	st.printf("    (desk)     the agent sends a picture")
	if _, err := st.s.Desk.SendFile(st.deskUser, "IMAGE", "png", sample); err != nil {
		return err
	}
	a, err := st.await(ctx, func(a native.Answer) bool { return len(a.Payload.Media) > 0 })
	if err != nil {
		return fmt.Errorf("the customer got no image from the agent: %w", err)
	}
	got, err := st.s.Livechat.Download(ctx, a.Payload.Media[0].URL)
	if err != nil {
		return err
	}
	return st.compare("(livechat)", got.Data, sample)
}

// pictureToAgent makes the customer send a picture, and reads it at the desk.
func (st *story) pictureToAgent(ctx context.Context) error {
	sample, err := web.ReadFile("web/sample.png")
	if err != nil {
		return err
	}
	st.printLine("customer", "(sends a picture)")
	st.sent = "demo-" + rand.Text()
	if err := st.s.sendPicture(ctx, st.user, picture{"sample.png", "image/png", sample}, st.sent); err != nil {
		return err
	}
	l, err := st.atDesk(ctx, func(l aicc.Line) bool { return l.File != "" })
	if err != nil {
		return err
	}
	f, _ := st.s.Desk.File(l.File)
	return st.compare("(desk)", f.Content, sample)
}

// compare requires that the picture at a place is the one that was sent.
func (st *story) compare(place string, got, want []byte) error {
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s has a picture of %d bytes, want %d: %w", place, len(got), len(want), errOther)
	}
	st.printf("    %-10s shows the picture, %d bytes", place, len(got))
	return nil
}
