package state

import "slices"

// Lookup returns the ids of the conversations to which each of ids belongs. It finds the ids of conversations,
// threads, customers (the vendor's id or the CustomerID), queued deliveries and dead letters. The conversation of a
// dead letter may no longer exist. Unknown ids have no entry. Lookup visits all conversations.
func (s *State) Lookup(ids []string) map[string][]string {
	l := lookup{wanted: make(map[string]bool, len(ids)), found: map[string][]string{}}
	for _, id := range ids {
		l.wanted[id] = true
		l.customerIDs = l.customerIDs || IsCustomerID(id)
		if d := s.DeadLetter(id); d != nil && d.Conversation != "" {
			l.add(id, d.Conversation)
		}
	}
	s.All(func(c *Conversation) bool {
		l.addConversation(c)
		return true
	})
	return l.found
}

type lookup struct {
	wanted      map[string]bool
	customerIDs bool // an id may be a CustomerID; comparing those needs a hash of each conversation
	found       map[string][]string
}

func (l *lookup) addConversation(c *Conversation) {
	l.add(c.ID, c.ID)
	l.add(c.SenderID, c.ID)
	for _, th := range c.Threads {
		if !th.Reassigned {
			l.add(th.ID, c.ID)
		}
	}
	for _, f := range c.FormerThreads {
		l.add(f.Thread, c.ID)
	}
	if l.customerIDs {
		l.add(c.CustomerID(), c.ID)
	}
	for i := range c.Lanes {
		for j := range c.Lanes[i].Queue {
			l.add(c.Lanes[i].Queue[j].ID, c.ID)
		}
	}
}

func (l *lookup) add(id, conv string) {
	if l.wanted[id] && !slices.Contains(l.found[id], conv) {
		l.found[id] = append(l.found[id], conv)
	}
}

// IsCustomerID reports whether an id has the form of a CustomerID: 32 lower-case hexadecimal characters.
func IsCustomerID(id string) bool {
	if len(id) != 32 {
		return false
	}
	for _, r := range id {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return true
}
