package conversation

// layer is a map with changes on top that can be forgotten or moved down.
type layer[K comparable, V any] struct {
	base map[K]V
	over map[K]V
	gone map[K]bool
}

func overlay[K comparable, V any](base map[K]V) layer[K, V] {
	return layer[K, V]{base: base, over: map[K]V{}, gone: map[K]bool{}}
}

func (l *layer[K, V]) get(k K) (V, bool) {
	if v, ok := l.over[k]; ok {
		return v, true
	}
	if l.gone[k] {
		var zero V
		return zero, false
	}
	v, ok := l.base[k]
	return v, ok
}

func (l *layer[K, V]) set(k K, v V) {
	delete(l.gone, k)
	l.over[k] = v
}

func (l *layer[K, V]) remove(k K) {
	delete(l.over, k)
	if _, ok := l.base[k]; ok {
		l.gone[k] = true
	}
}

func (l *layer[K, V]) len() int {
	n := len(l.base) - len(l.gone)
	for k := range l.over {
		if _, ok := l.base[k]; !ok {
			n++
		}
	}
	return n
}

// each calls f for every entry, in no order. F must not change the layer.
func (l *layer[K, V]) each(f func(K, V)) {
	for k, v := range l.base {
		if _, changed := l.over[k]; !changed && !l.gone[k] {
			f(k, v)
		}
	}
	for k, v := range l.over {
		f(k, v)
	}
}

// commit moves the changes into the base.
func (l *layer[K, V]) commit() {
	for k := range l.gone {
		delete(l.base, k)
	}
	for k, v := range l.over {
		l.base[k] = v
	}
	clear(l.over)
	clear(l.gone)
}
