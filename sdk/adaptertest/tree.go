package adaptertest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// edit returns a copy of a JSON tree in which the value at a dotted path is replaced by f; false means that nothing is there.
func edit(tree any, path string, f func(any) (value any, keep bool)) (any, bool) {
	name, rest, deeper := strings.Cut(path, ".")
	switch t := tree.(type) {
	case map[string]any:
		v, ok := t[name]
		if !ok {
			return tree, false
		}
		out := maps.Clone(t)
		if deeper {
			out[name], ok = edit(v, rest, f)
			return out, ok
		}
		if value, keep := f(v); keep {
			out[name] = value
		} else {
			delete(out, name)
		}
		return out, true
	case []any:
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(t) {
			return tree, false
		}
		out := slices.Clone(t)
		ok := true
		if deeper {
			out[i], ok = edit(t[i], rest, f)
			return out, ok
		}
		if value, keep := f(t[i]); keep {
			out[i] = value
		}
		return out, true
	}
	return tree, false
}

// members calls f for each value of a JSON tree but the whole, with its dotted path.
func members(path string, tree any, f func(path string, v any)) {
	switch t := tree.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(t)) {
			if strings.Contains(k, ".") {
				continue // can't be written as a path
			}
			f(joined(path, k), t[k])
			members(joined(path, k), t[k], f)
		}
	case []any:
		for i, v := range t {
			f(joined(path, fmt.Sprint(i)), v)
			members(joined(path, fmt.Sprint(i)), v, f)
		}
	}
}

// bodyTree returns an inbound body as a JSON tree; false if it is not JSON.
func (in *inbound) bodyTree() (any, bool) {
	var tree any
	if decodeJSON(in.body, &tree) != nil {
		return nil, false
	}
	return tree, true
}

// withTree returns a copy of a call with a JSON tree as its body.
func (in *inbound) withTree(tree any) *inbound {
	b, err := json.Marshal(tree)
	if err != nil {
		return in // trees come from JSON, so this is not reached
	}
	return in.with(b)
}

// withMember returns a copy of a call in which the member at path is replaced, or removed if keep is false; the call itself
// if there is no such member.
func (in *inbound) withMember(path string, value any, keep bool) *inbound {
	tree, ok := in.bodyTree()
	if !ok {
		return in
	}
	tree, ok = edit(tree, path, func(any) (any, bool) { return value, keep })
	if !ok {
		return in
	}
	return in.withTree(tree)
}

// member returns the text at a dotted path of the body, "" if there is none.
func (in *inbound) member(path string) string {
	tree, ok := in.bodyTree()
	if !ok {
		return ""
	}
	text := ""
	edit(tree, path, func(v any) (any, bool) {
		text, _ = v.(string)
		return v, true
	})
	return text
}
