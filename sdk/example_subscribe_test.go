package sdk_test

import (
	"context"
	"fmt"
	"strconv"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// poller polls a vendor that numbers its messages. The cursor is the number of the last stored message.
type poller struct {
	poll func(ctx context.Context, after int) ([]string, error) // waits for messages
}

func (p *poller) Subscribe(ctx context.Context, s *sdk.Subscription, emit sdk.Emit) error {
	last, _ := strconv.Atoi(string(s.Cursor)) // 0 without a cursor
	for ctx.Err() == nil {
		texts, err := p.poll(ctx, last)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return err // the gateway subscribes again later
		}
		var batch []*envelope.Envelope
		for _, text := range texts {
			last++
			batch = append(batch, &envelope.Envelope{
				Channel: s.Channel, Thread: "ada", VendorID: strconv.Itoa(last), Kind: envelope.KindMessage,
				Sender: envelope.Sender{Role: envelope.RoleCustomer}, Parts: []envelope.Part{envelope.TextPart(text)},
			})
		}
		if err := emit(ctx, batch, strconv.AppendInt(nil, int64(last), 10)); err != nil {
			return err
		}
	}
	return nil
}

func ExampleSubscriber() {
	messages := []string{"one", "two", "three"}
	ctx, stop := context.WithCancel(context.Background())
	adapter := &poller{poll: func(ctx context.Context, after int) ([]string, error) {
		if after == len(messages) {
			stop() // no more messages
			return nil, ctx.Err()
		}
		return messages[after:], nil
	}}
	store := func(_ context.Context, envelopes []*envelope.Envelope, cursor []byte) error {
		for _, e := range envelopes {
			fmt.Println(e.VendorID, e.Text())
		}
		fmt.Printf("cursor %s\n", cursor)
		return nil
	}
	// The gateway has stored the first message.
	err := adapter.Subscribe(ctx, &sdk.Subscription{Channel: "web", Cursor: []byte("1")}, store)
	fmt.Println(err)
	// Output:
	// 2 two
	// 3 three
	// cursor 3
	// <nil>
}
