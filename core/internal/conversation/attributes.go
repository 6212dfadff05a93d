package conversation

import (
	"maps"
	"slices"
	"strings"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
)

// rememberAttributes stores the attributes of the customer's newest message, so that the answers carry them. Names of
// these attributes contain a dot (native.custom_payload); names that rules set contain none. Attributes of earlier
// messages that the newest one lacks are removed.
func (tx *Transaction) rememberAttributes(c *state.Conversation, attrs map[string]string) {
	set, size := map[string]string{}, 0
	for _, k := range slices.Sorted(maps.Keys(attrs)) { // sorted, so that the same attributes always fit
		v := attrs[k]
		if size += len(k) + len(v); strings.Contains(k, ".") && v != "" && c.Attributes[k] != v && size <= MaxAttributes {
			set[k] = v
		}
	}
	for k := range c.Attributes {
		if _, kept := attrs[k]; !kept && strings.Contains(k, ".") {
			set[k] = ""
		}
	}
	if len(set) > 0 {
		tx.add(c.ID, &journal.Change_Attributed{Attributed: &journal.Attributed{Attributes: set}})
	}
}
