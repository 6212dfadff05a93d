// Package journal defines the records of the log.
package journal

import "fmt"

// SetKind sets the kind of a change to one of the generated Change_… wrappers. Any other type is a programming error
// and panics.
func SetKind(c *Change, kind any) {
	k, ok := kind.(isChange_Kind)
	if !ok {
		panic(fmt.Sprintf("journal: %T is not a kind of change", kind))
	}
	c.Kind = k
}
