package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/native"
)

var errOtherPicture = errors.New("it is not the picture that was sent")

// pictureToCustomer has the agent send a picture, and the chat page load it from where the answer says.
func (st *story) pictureToCustomer(ctx context.Context) error {
	sample, err := web.ReadFile("web/sample.png")
	if err != nil {
		return err
	}
	fmt.Fprintln(st.out, "    (desk)     the agent sends a picture")
	if _, err := st.s.Desk.SendFile(st.deskUser, "IMAGE", "png", sample); err != nil {
		return err
	}
	var address string
	err = st.await(ctx, func(a native.Answer) bool {
		for _, m := range a.Payload.Media {
			if m.Type == "image" && a.Payload.Sender.Role == "agent" {
				address = m.URL
			}
		}
		return address != ""
	})
	if err != nil {
		return fmt.Errorf("the customer got no image from the agent: %w", err)
	}
	got, err := st.load(ctx, address)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, sample) {
		return fmt.Errorf("the chat page loaded %d bytes from the answer's link, want %d: %w",
			len(got), len(sample), errOtherPicture)
	}
	fmt.Fprintf(st.out, "    (livechat) shows the picture, %d bytes\n", len(got))
	return nil
}

// load fetches what an answer links to, as a browser does.
func (st *story) load(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("load the picture: %w", err)
	}
	resp, err := st.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("load the picture: %w", err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxPicture+1))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %w", resp.StatusCode, errOtherPicture)
	}
	if err != nil {
		return nil, fmt.Errorf("load the picture: %w", err)
	}
	return content, nil
}

// pictureToAgent has the customer send a picture, and the agent open it.
func (st *story) pictureToAgent(ctx context.Context) error {
	sample, err := web.ReadFile("web/sample.png")
	if err != nil {
		return err
	}
	id := "demo-" + rand.Text()
	st.tell("customer", "(sends a picture)")
	p := picture{name: "sample.png", contentType: "image/png", content: sample}
	if err := st.s.sendPicture(ctx, st.user, p, id); err != nil {
		return fmt.Errorf("the gateway did not take the picture: %w", err)
	}
	var file string
	err = st.s.Desk.Wait(ctx, func([]aicc.Event) bool {
		file = st.lastFile()
		return file != ""
	})
	if err != nil {
		return fmt.Errorf("no picture of the customer's is at the desk: %w", err)
	}
	if f, _ := st.s.Desk.File(file); !bytes.Equal(f.Content, sample) {
		return fmt.Errorf("the desk has %d bytes, want %d: %w", len(f.Content), len(sample), errOtherPicture)
	}
	fmt.Fprintf(st.out, "    (desk)     shows the picture, %d bytes\n", len(sample))
	return printTrace(ctx, &st.client, st.out, "http://"+st.gw.admin, id)
}

// lastFile returns the id of the file that the customer's last words at the desk are, "" if they are none.
func (st *story) lastFile() string {
	chat, _ := st.s.Desk.Chat(st.deskUser)
	file := ""
	for _, l := range chat.Lines {
		if l.From == "customer" {
			file = l.File
		}
	}
	return file
}
