package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/native"
)

var errOtherPicture = errors.New("it is not the picture that was sent")

// samplePicture is the sample of the pages.
func samplePicture() (picture, error) {
	content, err := web.ReadFile("web/sample.png")
	return picture{name: "sample.png", contentType: "image/png", content: content}, err
}

// pictureToCustomer makes the agent send a picture, and loads it from the link in the answer as the chat page does.
func (st *story) pictureToCustomer(ctx context.Context) error {
	sample, err := samplePicture()
	if err != nil {
		return err
	}
	st.printf("    (desk)     the agent sends a picture")
	if _, err := st.s.Desk.SendFile(st.deskUser, "IMAGE", "png", sample.content); err != nil {
		return err
	}
	link := ""
	err = st.await(ctx, func(a native.Answer) bool {
		for _, m := range a.Payload.Media {
			if m.Type == "image" && a.Payload.Sender.Role == "agent" {
				link = m.URL
			}
		}
		return link != ""
	})
	if err != nil {
		return fmt.Errorf("the customer got no image from the agent: %w", err)
	}
	got, err := st.s.Livechat.Download(ctx, link)
	if err != nil {
		return err
	}
	return st.compare("(livechat)", got.Data, sample.content)
}

// pictureToAgent makes the customer send a picture, and reads it at the desk.
func (st *story) pictureToAgent(ctx context.Context) error {
	sample, err := samplePicture()
	if err != nil {
		return err
	}
	st.printLine("customer", "(sends a picture)")
	return st.send(ctx, func(id string) error { return st.s.sendPicture(ctx, st.user, sample, id) }, func(ctx context.Context) error {
		l, err := st.lineAtDesk(ctx, func(l aicc.Line) bool { return l.File != "" })
		if err != nil {
			return err
		}
		f, _ := st.s.Desk.File(l.File)
		return st.compare("(desk)", f.Content, sample.content)
	})
}

// compare requires that the picture at a place is the one that was sent.
func (st *story) compare(place string, got, want []byte) error {
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s has %d bytes, want %d: %w", place, len(got), len(want), errOtherPicture)
	}
	st.printf("    %-10s shows the picture, %d bytes", place, len(got))
	return nil
}
