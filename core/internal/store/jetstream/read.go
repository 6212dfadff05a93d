package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"patchbay/core/internal/store"
)

const (
	// readBatch and readBytes limit the number and the total size of the messages in one request of Read.
	readBatch = 256
	readBytes = 2 << 20
	// requestTimeout limits one request to the server.
	requestTimeout = 10 * time.Second
)

// Values of the Status header in responses to a read.
const (
	statusEnd  = "204"
	statusNone = "404"
)

// Get implements [store.Log].
func (l *Log) Get(ctx context.Context, seq uint64) ([]byte, error) {
	record, err := l.get(ctx, seq)
	if err != nil {
		return nil, fmt.Errorf("get record %d: %w", seq, err)
	}
	return record, nil
}

func (l *Log) get(ctx context.Context, seq uint64) ([]byte, error) {
	e, err := l.runningEngine()
	if err != nil {
		return nil, err
	}
	if seq == 0 {
		return nil, store.ErrNotFound
	}
	record, err := getMessage(ctx, e.logStream, seq)
	if err == nil && len(record) == 0 {
		return nil, store.ErrNotFound
	}
	return record, err
}

// getMessage returns the payload of one message.
func getMessage(ctx context.Context, stream js.Stream, seq uint64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	m, err := stream.GetMsg(ctx, seq)
	switch {
	case errors.Is(err, js.ErrMsgNotFound):
		return nil, store.ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return m.Data, nil
}

// Read implements [store.Log].
func (l *Log) Read(ctx context.Context, from uint64, fn func(seq uint64, record []byte) error) error {
	e, err := l.runningEngine()
	if err != nil {
		return fmt.Errorf("read from record %d: %w", from, err)
	}
	b := l.Bounds()
	return l.scan(ctx, e, max(from, b.First), b.Last, fn)
}

// scan calls fn with each record from sequence next up to sequence last, and reports missing records.
func (l *Log) scan(ctx context.Context, e *engine, next, last uint64, fn func(uint64, []byte) error) error {
	var lost store.Range
	for next <= last {
		batch, err := l.fetch(ctx, e, next)
		if err != nil {
			return fmt.Errorf("read from record %d: %w", next, err)
		}
		if len(batch) == 0 {
			// The server sends nothing if the request starts at a damaged record, so skip one record at a time.
			lost = l.addLost(lost, next, next)
			next++
			continue
		}
		for _, m := range batch {
			if m.seq > next {
				lost = l.addLost(lost, next, min(m.seq-1, last))
			}
			if m.seq > last {
				next = m.seq
				break
			}
			next = m.seq + 1
			if len(m.data) == 0 {
				lost = l.addLost(lost, m.seq, m.seq)
				continue
			}
			if err := fn(m.seq, m.data); err != nil {
				return err
			}
		}
	}
	if lost.First != 0 {
		l.addMissingUnlessPurged(lost)
	}
	return nil
}

// addLost adds the records first to last to the range lost. If the range does not end just before first, addLost
// reports the range and returns a new one.
func (l *Log) addLost(lost store.Range, first, last uint64) store.Range {
	switch {
	case lost.First == 0:
		return store.Range{First: first, Last: last}
	case lost.Last+1 == first:
		return store.Range{First: lost.First, Last: last}
	}
	l.addMissingUnlessPurged(lost)
	return store.Range{First: first, Last: last}
}

// message is a message of the log stream.
type message struct {
	seq  uint64
	data []byte
}

// fetch returns a batch of messages starting at next.
func (l *Log) fetch(ctx context.Context, e *engine, next uint64) ([]message, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	responses, err := e.reads.SubscribeSync(nats.NewInbox())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer responses.Unsubscribe()
	request := fmt.Appendf(nil, `{"seq":%d,"batch":%d,"max_bytes":%d}`, next, readBatch, readBytes)
	if err := e.reads.PublishRequest("$JS.API.DIRECT.GET."+logStream, responses.Subject, request); err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	var batch []message
	for {
		m, err := responses.NextMsgWithContext(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		switch status := m.Header.Get("Status"); status {
		case "":
		case statusEnd, statusNone:
			return batch, nil
		default:
			return nil, fmt.Errorf("%w: the embedded server responded with status %s", store.ErrUnavailable, status)
		}
		seq, err := strconv.ParseUint(m.Header.Get(nats.JSSequence), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: read the sequence of a message: %w", store.ErrUnavailable, err)
		}
		batch = append(batch, message{seq: seq, data: m.Data})
	}
}
