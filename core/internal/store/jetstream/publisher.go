package jetstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"patchbay/core/internal/store"
)

// expectedLastSequence is the header that makes the server refuse a message unless the stream's newest message has the
// given sequence.
const expectedLastSequence = nats.ExpectedLastSeqHdr

// Error codes of the JetStream API.
const (
	codeInsufficientResources = 10023
	codeStorageExceeded       = 10047
	codeWrongLastSequence     = 10071
	codeStoreFailed           = 10077
)

// errStoreRefused means that the server did not store a message, usually because the stream reached its size limit.
var errStoreRefused = errors.New("the embedded server refused the message")

// publisher writes messages to one stream, one at a time, each with an expected last sequence. It is not safe for
// concurrent use.
type publisher struct {
	conn  *nats.Conn
	down  <-chan struct{}
	acks  chan *nats.Msg
	msg   *nats.Msg // reused for all messages
	guard []string  // value of the expectedLastSequence header of msg
	timer *time.Timer
}

func newPublisher(conn *nats.Conn, down <-chan struct{}) (*publisher, error) {
	p := &publisher{
		conn: conn, down: down,
		acks:  make(chan *nats.Msg, 1),
		guard: make([]string, 1),
		timer: time.NewTimer(0),
	}
	p.msg = &nats.Msg{Reply: nats.NewInbox(), Header: nats.Header{expectedLastSequence: p.guard}}
	if _, err := conn.ChanSubscribe(p.msg.Reply, p.acks); err != nil {
		return nil, fmt.Errorf("subscribe to acknowledgements: %w", err)
	}
	return p, nil
}

// publish stores data as the message after last and waits for the acknowledgement. Do not use the publisher again after
// store.ErrUnavailable: it could mistake a late acknowledgement for that of the next message.
func (p *publisher) publish(ctx context.Context, subject string, last uint64, data []byte, limit time.Duration) error {
	p.guard[0] = strconv.FormatUint(last, 10)
	p.msg.Subject, p.msg.Data = subject, data
	err := p.conn.PublishMsg(p.msg)
	p.msg.Data = nil
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	p.timer.Reset(limit)
	defer p.timer.Stop()
	select {
	case m := <-p.acks:
		return decodeAck(m, last+1)
	case <-p.timer.C:
		return fmt.Errorf("%w: the embedded server did not respond within %s", store.ErrUnavailable, limit)
	case <-p.down:
		return fmt.Errorf("%w: the embedded server is down", store.ErrUnavailable)
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", store.ErrUnavailable, context.Cause(ctx))
	}
}

// decodeAck returns nil if m acknowledges a message with the sequence want.
func decodeAck(m *nats.Msg, want uint64) error {
	if bytes.Contains(m.Data, []byte(`"error"`)) || len(m.Data) == 0 {
		return decodeRefusal(m)
	}
	if got := ackSequence(m.Data); got != want {
		return fmt.Errorf("%w: message stored with sequence %d instead of %d", store.ErrUnavailable, got, want)
	}
	return nil
}

// ackSequence returns the sequence in an acknowledgement. It scans the JSON because a decoder would dominate the cost
// of an append.
func ackSequence(ack []byte) (seq uint64) {
	_, rest, _ := bytes.Cut(ack, []byte(`"seq":`))
	for _, c := range rest {
		if c < '0' || c > '9' {
			break
		}
		seq = seq*10 + uint64(c-'0')
	}
	return seq
}

func decodeRefusal(m *nats.Msg) error {
	var reply struct {
		Error struct {
			Code        int    `json:"err_code"`
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &reply); err != nil {
		return fmt.Errorf("%w: the embedded server responded with status %q", store.ErrUnavailable, m.Header.Get("Status"))
	}
	kind := store.ErrUnavailable
	switch reply.Error.Code {
	case codeWrongLastSequence:
		kind = store.ErrOtherWriter
	case codeInsufficientResources, codeStorageExceeded:
		kind = store.ErrFull
	case codeStoreFailed:
		kind = errStoreRefused
	}
	return fmt.Errorf("%w: %s (%d)", kind, reply.Error.Description, reply.Error.Code)
}
