package state

// overlay is a map with changes on top, which can be dropped or moved into the map.
type overlay[K comparable, V any] struct {
	base    map[K]V
	set     map[K]V    // nil without changes
	deleted map[K]bool // nil without changes
}

func newOverlay[K comparable, V any](base map[K]V) overlay[K, V] { return overlay[K, V]{base: base} }

func (o *overlay[K, V]) get(k K) (V, bool) {
	if v, ok := o.set[k]; ok {
		return v, true
	}
	if o.deleted[k] {
		var zero V
		return zero, false
	}
	v, ok := o.base[k]
	return v, ok
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
	if _, ok := o.base[k]; !ok {
		return
	}
	if o.deleted == nil {
		o.deleted = map[K]bool{}
	}
	o.deleted[k] = true
}

func (o *overlay[K, V]) len() int {
	n := len(o.base) - len(o.deleted)
	for k := range o.set {
		if _, ok := o.base[k]; !ok {
			n++
		}
	}
	return n
}

// each calls f for every entry, in no order. F must not change the overlay.
func (o *overlay[K, V]) each(f func(K, V)) {
	for k, v := range o.base {
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
		delete(o.base, k)
	}
	for k, v := range o.set {
		o.base[k] = v
	}
	clear(o.set)
	clear(o.deleted)
}
