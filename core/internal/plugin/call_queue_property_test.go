package plugin

import (
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// queueModel is a callQueue, and the calls that a test has entered in order of arrival.
type queueModel struct {
	queue callQueue
	calls []*callTurn
	done  context.Context // a context that has ended, so that no call waits
}

func (m *queueModel) draw(t *rapid.T, ok func(*callTurn) bool) *callTurn {
	var fit []*callTurn
	for _, c := range m.calls {
		if ok(c) {
			fit = append(fit, c)
		}
	}
	if len(fit) == 0 {
		t.Skip("no such call")
	}
	return rapid.SampledFrom(fit).Draw(t, "call")
}

func idle(c *callTurn) bool { return !c.running }
func runs(c *callTurn) bool { return c.running }

func (m *queueModel) leave(c *callTurn) {
	c.leave()
	m.calls = slices.DeleteFunc(m.calls, func(o *callTurn) bool { return o == c })
}

func (m *queueModel) start(t *rapid.T) {
	c := m.draw(t, idle)
	others := slices.ContainsFunc(m.calls, runs)
	if !c.start() {
		return
	}
	suspects := slices.DeleteFunc(slices.Clone(m.calls), func(o *callTurn) bool { return !o.suspect })
	if len(suspects) > 0 && (others || suspects[0] != c) {
		t.Fatalf("a call started next to others, or before the first suspect")
	}
}

func (m *queueModel) finish(t *rapid.T) {
	c := m.draw(t, idle)
	i := slices.Index(m.calls, c)
	earlierDelayed := slices.ContainsFunc(m.calls[:i], func(o *callTurn) bool { return o.delayed })
	wasDelayed := c.delayed
	switch returned := c.awaitTurn(m.done); {
	case returned && (earlierDelayed || wasDelayed && i > 0):
		t.Fatalf("call %d returned before an earlier one", i)
	case !returned && i == 0:
		t.Fatalf("the first call waits")
	case returned:
		m.leave(c)
	}
}

func (m *queueModel) check(t *rapid.T) {
	count := func(ok func(*callTurn) bool) int {
		return len(slices.DeleteFunc(slices.Clone(m.calls), func(c *callTurn) bool { return !ok(c) }))
	}
	q := &m.queue
	if q.running != count(runs) || q.calls.Len() != len(m.calls) ||
		q.delayed != count(func(c *callTurn) bool { return c.delayed }) ||
		q.suspects != count(func(c *callTurn) bool { return c.suspect }) {
		t.Fatalf("the counts differ: %d running, %d delayed, %d suspects", q.running, q.delayed, q.suspects)
	}
}

func TestCallQueueProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		done, cancel := context.WithCancel(context.Background())
		cancel()
		m := &queueModel{done: done}
		t.Repeat(map[string]func(*rapid.T){
			"":       m.check,
			"enter":  func(*rapid.T) { m.calls = append(m.calls, m.queue.enter()) },
			"hold":   func(t *rapid.T) { m.draw(t, idle).delay() },
			"repeat": func(t *rapid.T) { m.draw(t, idle).repeat(rapid.Bool().Draw(t, "suspect")) },
			"start":  m.start,
			"stop":   func(t *rapid.T) { m.draw(t, runs).stop() },
			"finish": m.finish,
			"expire": func(t *rapid.T) { m.leave(m.draw(t, idle)) },
		})
		for len(m.calls) > 0 { // every call ends
			if i := slices.IndexFunc(m.calls, runs); i >= 0 {
				m.calls[i].stop()
				continue
			}
			if !slices.ContainsFunc(m.calls, (*callTurn).start) {
				t.Fatalf("%d calls, and none may start", len(m.calls))
			}
			m.calls[slices.IndexFunc(m.calls, runs)].stop()
			first := m.calls[0]
			if !first.awaitTurn(done) {
				t.Fatalf("%d calls, and the first waits", len(m.calls))
			}
			m.leave(first)
		}
		m.check(t)
	})
}
