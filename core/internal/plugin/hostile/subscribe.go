package main

import (
	"context"
	"fmt"
	"strconv"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

var _ sdk.Subscriber = (*adapter)(nil)

// Subscribe implements sdk.Subscriber. Without a cursor, or with a number as cursor, it emits the following numbers up
// to 5; each is the text, id and cursor of a message. Other cursors select a fault after the first message.
func (a *adapter) Subscribe(ctx context.Context, l *sdk.Subscription, emit sdk.Emit) error {
	n, err := strconv.Atoi(string(l.Cursor))
	if err == nil || l.Cursor == nil {
		return count(ctx, l.Channel, n, emit)
	}
	first := message(l.Channel, "t", "0", fmt.Sprintf("%d threads", len(l.Threads)))
	if err := emit(ctx, []*envelope.Envelope{first}, nil); err != nil {
		return err
	}
	switch fault := string(l.Cursor); fault {
	case "/early":
		return nil
	case "/stubborn":
		hang()
	case "/parting": // emits after the end of ctx
		<-ctx.Done()
		return emit(context.WithoutCancel(ctx), []*envelope.Envelope{message(l.Channel, "t", "1", "emitted after the stop")}, nil)
	default:
		if f := faults[fault]; f != nil {
			return f(ctx)
		}
	}
	<-ctx.Done()
	return nil
}

func count(ctx context.Context, channel string, from int, emit sdk.Emit) error {
	for n := from + 1; n <= 5; n++ {
		id := strconv.Itoa(n)
		if err := emit(ctx, []*envelope.Envelope{message(channel, "t", id, id)}, []byte(id)); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}
