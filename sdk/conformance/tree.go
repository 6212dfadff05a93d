package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// Placeholders of test data.
const (
	vendorMark = "{vendor}" // the fault server's base URL
	anyMark    = "{any}"    // any text; alone, any JSON value
)

// decodeJSON reads one JSON value and keeps numbers as they are written.
func decodeJSON(b []byte) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err = dec.Decode(&v); err == nil && dec.More() {
		err = fmt.Errorf("more than one JSON value")
	}
	return v, err
}

// removed makes edit remove a member, if f returns it.
var removed any = new(byte)

// edit returns a copy of a JSON tree in which f replaces the value at a dotted path, or adds it (found is false).
func edit(tree any, path string, f func(any) any) (out any, found bool) {
	name, rest, deeper := strings.Cut(path, ".")
	change := func(v any) any {
		if deeper {
			v, found = edit(v, rest, f)
			return v
		}
		return f(v)
	}
	switch t := tree.(type) {
	case nil:
		out, _ = edit(map[string]any{}, path, f)
		return out, false
	case map[string]any:
		t = maps.Clone(t)
		_, found = t[name]
		if t[name] = change(t[name]); t[name] == removed {
			delete(t, name)
		}
		return t, found
	case []any:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(t) {
			t, found = slices.Clone(t), true
			t[i] = change(t[i])
			return t, found
		}
	}
	return tree, false
}

// valueAt returns the value at a dotted path, nil if there is none.
func valueAt(tree any, path string) (found any) {
	edit(tree, path, func(v any) any { found = v; return v })
	return found
}

// members calls f for each value of a JSON tree except the root, with its dotted path.
func members(path string, tree any, f func(path string, v any)) {
	visit := func(name string, v any) {
		if !strings.Contains(name, ".") { // a name with a dot has no path
			at := strings.TrimPrefix(path+"."+name, ".")
			f(at, v)
			members(at, v, f)
		}
	}
	object, _ := tree.(map[string]any)
	for _, k := range slices.Sorted(maps.Keys(object)) {
		visit(k, object[k])
	}
	list, _ := tree.([]any)
	for i, v := range list {
		visit(strconv.Itoa(i), v)
	}
}

// matches reports whether text fits pattern, where anyMark stands for any text.
func matches(pattern, text string) bool {
	if !strings.Contains(pattern, anyMark) {
		return pattern == text
	}
	form := strings.ReplaceAll(regexp.QuoteMeta(pattern), regexp.QuoteMeta(anyMark), ".*")
	re, err := regexp.Compile("(?s)^" + form + "$")
	return err == nil && re.MatchString(text) // fails only if the pattern is not UTF-8
}

func isPattern(v any) bool {
	s, ok := v.(string)
	return ok && strings.Contains(s, anyMark)
}

// difference describes how got differs from want, "" if it does not. Texts of want may have placeholders.
func difference(want, got any) string {
	return cmp.Diff(want, got, cmp.FilterValues(func(a, b any) bool { return isPattern(a) || isPattern(b) },
		cmp.Comparer(func(a, b any) bool {
			x, xok := a.(string)
			y, yok := b.(string)
			return a == anyMark || b == anyMark || xok && yok && (matches(x, y) || matches(y, x))
		})))
}
