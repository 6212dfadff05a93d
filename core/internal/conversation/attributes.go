package conversation

import (
	"maps"
	"slices"
	"strings"

	"patchbay/core/internal/journal"
)

// remember keeps what the customer's vendor said beside the words, so that it comes back with the answers. These
// attributes have a dot in their name (native.custom_payload), those that rules set have none; what the newest message
// does not have is forgotten.
func (tx *Transaction) remember(c *Conversation, attrs map[string]string) {
	set, size := map[string]string{}, 0
	for _, k := range slices.Sorted(maps.Keys(attrs)) { // which ones fit must not depend on chance
		v := attrs[k]
		if size += len(k) + len(v); strings.Contains(k, ".") && v != "" && c.Attributes[k] != v && size <= MaxAttributes {
			set[k] = v
		}
	}
	for k := range c.Attributes {
		if _, still := attrs[k]; !still && strings.Contains(k, ".") {
			set[k] = ""
		}
	}
	if len(set) > 0 {
		tx.add(c.ID, &journal.Change_Attributed{Attributed: &journal.Attributed{Attributes: set}})
	}
}
