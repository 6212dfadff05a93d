package journal

import "fmt"

// SetKind puts one of the generated Change_… wrappers into a change. It panics on any other type,
// which is a programming error.
func SetKind(c *Change, kind any) {
	k, ok := kind.(isChange_Kind)
	if !ok {
		panic(fmt.Sprintf("journal: %T is no kind of change", kind))
	}
	c.Kind = k
}
