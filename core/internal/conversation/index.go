package conversation

import "slices"

// claim puts a thread of the conversation into the index, so that the conversation is found by it. A vendor may know a
// customer by one name for ever: if another conversation has been found by it so far, that one keeps the thread for what it
// still has to deliver and is found no more. A conversation that a rule has closed takes no thread from another.
func (t *tables) claim(c *Conversation, key ThreadKey) {
	if other, ok := t.threads.get(key); ok && other != c.ID {
		if c.Closing != "" {
			c.lose(key)
			return
		}
		t.mutable(other).lose(key)
	}
	if th := c.Threads[key.Channel]; th != nil && th.ID == key.Thread {
		th.Reassigned = false
	}
	t.threads.set(key, c.ID)
}

// lose notes that the conversation is not found by a thread any more.
func (c *Conversation) lose(key ThreadKey) {
	c.FormerThreads = slices.DeleteFunc(c.FormerThreads, func(f FormerThread) bool { return f == FormerThread{key.Channel, key.Thread} })
	if th := c.Threads[key.Channel]; th != nil && th.ID == key.Thread {
		th.Reassigned = true
	}
}
