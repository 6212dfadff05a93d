package state

import (
	"cmp"
	"slices"
	"time"

	"patchbay/core/internal/journal"
)

// threadIndex maps threads to the ids of their conversations.
type threadIndex struct {
	convs  *conversations
	places map[Key]place
}

func (t threadIndex) get(k threadKey) (string, bool) {
	p, ok := t.places[keyOf(k.channel, k.thread)]
	if !ok {
		return "", false
	}
	c := t.convs.at(p)
	if c == nil || !c.hasThread(k) {
		return "", false
	}
	return c.ID, true
}

// put indexes a thread of an existing conversation.
func (t threadIndex) put(k threadKey, id string) {
	t.places[keyOf(k.channel, k.thread)] = t.convs.places[keyOf(id)]
}

func (t threadIndex) remove(k threadKey) { delete(t.places, keyOf(k.channel, k.thread)) }

func (c *Conversation) hasThread(k threadKey) bool {
	th := c.Threads[k.channel]
	return th != nil && th.ID == k.thread || slices.Contains(c.FormerThreads, FormerThread{k.channel, k.thread})
}

// LiveThreads returns copies of the live threads of a channel in live conversations, ordered by id.
func (s *State) LiveThreads(channel string) []Thread {
	var out []Thread
	bit := channelBit(channel)
	s.convs.visit(func(sum *summary) bool { return sum.channels&bit != 0 }, func(c *Conversation) bool {
		if th := c.Threads[channel]; th != nil && th.Live && c.Closing == "" {
			out = append(out, *th)
		}
		return true
	})
	slices.SortFunc(out, func(x, y Thread) int { return cmp.Compare(x.ID, y.ID) })
	return out
}

func (l *Layer) foldLinked(c *Conversation, linked *journal.Linked) {
	key := threadKey{linked.GetChannel(), linked.GetThread()}
	old := c.Threads[key.channel]
	switch {
	case linked.GetFormer():
		l.keepFormer(c, key)
	case old != nil && old.ID == key.thread:
		th := c.ownThread(key.channel)
		th.Epoch, th.Live = linked.GetEpoch(), true
		if linked.GetHasState() {
			th.State = linked.GetState()
		}
		th.startSession(c, linked)
	default:
		if old != nil && !old.Reassigned {
			l.keepFormer(c, threadKey{key.channel, old.ID})
		}
		// A thread in use must not stay a former thread: keepFormer would remove it from the index at the limit.
		c.removeFormer(key)
		th := &Thread{ID: key.thread, Epoch: linked.GetEpoch(), State: linked.GetState(), Live: true}
		th.inherit(l.threadOf(key))
		th.startSession(c, linked)
		c.setThread(key.channel, th)
	}
	l.indexThread(c, key)
}

// threadOf returns the thread with the key in the conversation that Find returns for this key, or nil.
func (l *Layer) threadOf(key threadKey) *Thread {
	id, ok := l.threads.get(key)
	if !ok {
		return nil
	}
	c := l.Conversation(id)
	if c == nil || c.Threads[key.channel] == nil || c.Threads[key.channel].ID != key.thread {
		return nil
	}
	return c.Threads[key.channel]
}

// inherit copies the vendor's times from the same thread in a former conversation, if there is one.
func (th *Thread) inherit(former *Thread) {
	if former != nil {
		th.LastSent, th.EndedSent, th.Lag = former.LastSent, former.LastSent, former.Lag
	}
}

// startSession notes the start of a session of the thread. If the change has no StartedAt, no session starts.
func (th *Thread) startSession(c *Conversation, linked *journal.Linked) {
	at := linked.GetStartedAt()
	if at == 0 {
		return
	}
	th.StartedAt, th.FirstSent, th.TriedAt = at, 0, 0
	if lane := c.Lane(linked.GetChannel()); lane != nil {
		if open := &lane.Queue[0]; open.Kind == KindOpen && open.QueuedAt.UnixNano() == at && !open.NextAt.IsZero() {
			th.TriedAt = open.NextAt.UnixNano()
		}
	}
}

// noteSent notes the vendor's time of an envelope that was accepted at the given time.
func (th *Thread) noteSent(sent int64, accepted time.Time, fenced bool) {
	lag := max(accepted.Sub(time.Unix(0, sent)), 0)
	if th.LastSent == 0 || lag < th.Lag {
		th.Lag = lag
	}
	th.LastSent = max(th.LastSent, sent)
	if !fenced && (th.FirstSent == 0 || sent < th.FirstSent) {
		th.FirstSent = sent
	}
}

// keepFormer keeps an unused thread in the index. At the limit, it removes the oldest former thread.
func (l *Layer) keepFormer(c *Conversation, key threadKey) {
	c.removeFormer(key)
	if len(c.FormerThreads) >= maxFormerThreads {
		l.threads.remove(threadKey{c.FormerThreads[0].Channel, c.FormerThreads[0].Thread})
		c.FormerThreads = slices.Delete(c.FormerThreads, 0, 1)
	}
	c.FormerThreads = append(c.FormerThreads, FormerThread{key.channel, key.thread})
}

func (c *Conversation) removeFormer(key threadKey) {
	former := FormerThread{key.channel, key.thread}
	c.FormerThreads = slices.DeleteFunc(c.FormerThreads, func(f FormerThread) bool { return f == former })
}

// indexThread makes Find return the conversation for a thread. A vendor may use the same thread for all conversations
// of a customer: then the thread is reassigned, and the former conversation keeps it only for its remaining
// deliveries. A closed conversation takes no thread from another one.
func (l *Layer) indexThread(c *Conversation, key threadKey) {
	if other, ok := l.threads.get(key); ok && other != c.ID {
		if c.Closing != "" {
			c.reassignThread(key)
			return
		}
		l.Mutable(other).reassignThread(key)
	}
	if th := c.Threads[key.channel]; th != nil && th.ID == key.thread && th.Reassigned {
		c.ownThread(key.channel).Reassigned = false
	}
	l.threads.put(key, c.ID)
}

// reassignThread notes that Find returns another conversation for a thread.
func (c *Conversation) reassignThread(key threadKey) {
	c.removeFormer(key)
	if th := c.Threads[key.channel]; th != nil && th.ID == key.thread {
		c.ownThread(key.channel).Reassigned = true
	}
}

// removeThreads removes a conversation's threads from the index.
func (l *Layer) removeThreads(c *Conversation) {
	for ch, th := range c.Threads {
		if !th.Reassigned {
			l.threads.remove(threadKey{ch, th.ID})
		}
	}
	for _, f := range c.FormerThreads {
		l.threads.remove(threadKey{f.Channel, f.Thread})
	}
}
