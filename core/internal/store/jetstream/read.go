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
	// readBatch and readBytes bound what the server sends for one request of Read.
	readBatch = 256
	readBytes = 2 << 20
	// answerTimeout is how long a read waits for the server.
	answerTimeout = 10 * time.Second
)

// Statuses of the answers to a read.
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
	e, err := l.running()
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

// getMessage returns the payload of one message of a stream.
func getMessage(ctx context.Context, stream js.Stream, seq uint64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
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
	e, err := l.running()
	if err != nil {
		return fmt.Errorf("read from record %d: %w", from, err)
	}
	b := l.Bounds()
	return l.scan(ctx, e, max(from, b.First), b.Last, fn)
}

// scan calls fn with each record from next to last, and takes note of those that are missing.
func (l *Log) scan(ctx context.Context, e *engine, next, last uint64, fn func(uint64, []byte) error) error {
	var lost store.Range
	for next <= last {
		batch, err := l.fetch(ctx, e, next)
		if err != nil {
			return fmt.Errorf("read from record %d: %w", next, err)
		}
		if len(batch) == 0 {
			// Nothing readable from here on: a block that is damaged stops the server at each of its records.
			lost = l.extend(lost, next, next)
			next++
			continue
		}
		for _, m := range batch {
			if m.seq > next {
				lost = l.extend(lost, next, min(m.seq-1, last))
			}
			if m.seq > last {
				next = m.seq
				break
			}
			next = m.seq + 1
			if len(m.data) == 0 {
				lost = l.extend(lost, m.seq, m.seq)
				continue
			}
			if err := fn(m.seq, m.data); err != nil {
				return err
			}
		}
	}
	if lost.First != 0 {
		l.report(lost)
	}
	return nil
}

// extend adds the records from first to last to lost if they follow it; else it reports lost and starts anew.
func (l *Log) extend(lost store.Range, first, last uint64) store.Range {
	switch {
	case lost.First == 0:
		return store.Range{First: first, Last: last}
	case lost.Last+1 == first:
		return store.Range{First: lost.First, Last: last}
	}
	l.report(lost)
	return store.Range{First: first, Last: last}
}

// report takes note of lost unless a purge explains it.
func (l *Log) report(lost store.Range) {
	if lost.First = max(lost.First, l.Bounds().First); lost.First <= lost.Last {
		l.miss(lost)
	}
}

// message is one message of a stream.
type message struct {
	seq  uint64
	data []byte
}

// fetch returns the messages of the log from next on, as many as the server sends at once.
func (l *Log) fetch(ctx context.Context, e *engine, next uint64) ([]message, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	answers, err := e.reads.SubscribeSync(nats.NewInbox())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer answers.Unsubscribe()
	request := fmt.Appendf(nil, `{"seq":%d,"batch":%d,"max_bytes":%d}`, next, readBatch, readBytes)
	if err := e.reads.PublishRequest("$JS.API.DIRECT.GET."+l.names.logStream, answers.Subject, request); err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	var batch []message
	for {
		m, err := answers.NextMsgWithContext(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		switch status := m.Header.Get("Status"); status {
		case "":
		case statusEnd, statusNone:
			return batch, nil
		default:
			return nil, fmt.Errorf("%w: answer with status %s", store.ErrUnavailable, status)
		}
		seq, err := strconv.ParseUint(m.Header.Get(nats.JSSequence), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: answer without a sequence: %w", store.ErrUnavailable, err)
		}
		batch = append(batch, message{seq: seq, data: m.Data})
	}
}
