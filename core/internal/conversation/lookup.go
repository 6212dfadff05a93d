package conversation

// Lookup returns the ids of the live conversations that each of ids belongs to: as their own, of a thread, of the
// customer (the vendor's id for them, or the short one that other vendors are given, see CustomerID), of a delivery that
// waits, or of a dead letter, whose conversation may have ended. It looks at every conversation, and has no entry for an
// id that is nobody's.
func (b *State) Lookup(ids []string) map[string][]string {
	l := lookup{wanted: make(map[string]bool, len(ids)), found: map[string][]string{}}
	for _, id := range ids {
		l.wanted[id] = true
		l.short = l.short || IsCustomerID(id)
		if d := b.dead[id]; d != nil && d.Conversation != "" {
			l.note(id, d.Conversation)
		}
	}
	for key, conv := range b.threads {
		l.note(key.Thread, conv)
	}
	for _, c := range b.convs {
		l.see(c)
	}
	return l.found
}

type lookup struct {
	wanted map[string]bool
	short  bool // one of them may be a CustomerID, which costs a hash to compare
	found  map[string][]string
}

func (l *lookup) see(c *Conversation) {
	l.note(c.ID, c.ID)
	l.note(c.SenderID, c.ID)
	if l.short {
		l.note(CustomerID(c), c.ID)
	}
	for i := range c.Lanes {
		for j := range c.Lanes[i].Queue {
			l.note(c.Lanes[i].Queue[j].ID, c.ID)
		}
	}
}

func (l *lookup) note(id, conv string) {
	if !l.wanted[id] {
		return
	}
	for _, known := range l.found[id] {
		if known == conv {
			return
		}
	}
	l.found[id] = append(l.found[id], conv)
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
