package conversation

import (
	"bytes"
	"cmp"
	"slices"

	"patchbay/core/internal/journal"
)

// MaxCursorBytes is the most that a cursor may have.
const MaxCursorBytes = 64 << 10

// Cursor returns what the adapter of a channel that listens goes on from, nil if it is to begin at the beginning. It must
// not be changed.
func (b *State) Cursor(channel string) []byte { return b.cursors[channel] }

// MoveCursor notes how far the adapter of a channel that listens has got. Put it into the turn that takes in the last
// envelope which the adapter emitted with the cursor: what is stored is never behind it.
func (tx *Transaction) MoveCursor(channel string, cursor []byte) {
	if have, _ := tx.cursors.get(channel); bytes.Equal(have, cursor) {
		return
	}
	tx.add("", &journal.Change_CursorMoved{CursorMoved: &journal.CursorMoved{Channel: channel, Cursor: cursor}})
}

// LiveThreads returns the threads of a channel's conversations that are under way, with their states, by name. It looks at
// every conversation.
func (b *State) LiveThreads(channel string) []Thread {
	var out []Thread
	for _, c := range b.convs {
		if th := c.Threads[channel]; th != nil && th.Live && c.Closing == "" {
			out = append(out, *th)
		}
	}
	slices.SortFunc(out, func(x, y Thread) int { return cmp.Compare(x.ID, y.ID) })
	return out
}

// cursorImage is a cursor in a snapshot.
type cursorImage struct {
	Channel string `json:"ch"`
	Cursor  []byte `json:"c"`
}

func (b *State) cursorImages() []cursorImage {
	out := make([]cursorImage, 0, len(b.cursors))
	for ch, c := range b.cursors {
		out = append(out, cursorImage{ch, c})
	}
	return out
}
