package state

// table is a map that an overlay can change.
type table[K comparable, V any] interface {
	get(K) (V, bool)
	put(K, V)
	remove(K)
}

// mapTable is a table in a map.
type mapTable[K comparable, V any] map[K]V

func (t mapTable[K, V]) get(k K) (V, bool) { v, ok := t[k]; return v, ok }
func (t mapTable[K, V]) put(k K, v V)      { t[k] = v }
func (t mapTable[K, V]) remove(k K)        { delete(t, k) }

// overlay is a table with changes on top, which can be dropped or moved into the table.
type overlay[K comparable, V any] struct {
	base    table[K, V]
	set     map[K]V    // nil without changes
	deleted map[K]bool // nil without changes
}

func newOverlay[K comparable, V any](base table[K, V]) overlay[K, V] {
	return overlay[K, V]{base: base}
}

func (o *overlay[K, V]) get(k K) (V, bool) {
	if v, ok := o.set[k]; ok {
		return v, true
	}
	if o.deleted[k] {
		var zero V
		return zero, false
	}
	return o.base.get(k)
}

func (o *overlay[K, V]) put(k K, v V) {
	delete(o.deleted, k)
	if o.set == nil {
		o.set = map[K]V{}
	}
	o.set[k] = v
}

func (o *overlay[K, V]) remove(k K) {
	delete(o.set, k)
	if _, ok := o.base.get(k); ok {
		if o.deleted == nil {
			o.deleted = map[K]bool{}
		}
		o.deleted[k] = true
	}
}

// len returns the number of entries. The base is a mapTable.
func (o *overlay[K, V]) len() int {
	n := len(o.base.(mapTable[K, V])) - len(o.deleted)
	for k := range o.set {
		if _, ok := o.base.get(k); !ok {
			n++
		}
	}
	return n
}

// each calls f for every entry, in no order. F must not change the overlay. The base is a mapTable.
func (o *overlay[K, V]) each(f func(K, V)) {
	for k, v := range o.base.(mapTable[K, V]) {
		if _, changed := o.set[k]; !changed && !o.deleted[k] {
			f(k, v)
		}
	}
	for k, v := range o.set {
		f(k, v)
	}
}

func (o *overlay[K, V]) changed() bool { return len(o.set)+len(o.deleted) > 0 }

// commit moves the changes into the base.
func (o *overlay[K, V]) commit() {
	for k := range o.deleted {
		o.base.remove(k)
	}
	for k, v := range o.set {
		o.base.put(k, v)
	}
	clear(o.set)
	clear(o.deleted)
}
