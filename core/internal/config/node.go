package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits of a file. A configuration that needs more is no configuration.
const (
	maxFile  = 4 << 20
	maxNodes = 100_000 // after aliases are followed, so that a few lines can't become gigabytes
	maxDepth = 64
)

// nodeKind says what a node holds.
type nodeKind int

const (
	scalar nodeKind = iota
	list
	mapping
	null
)

func (k nodeKind) String() string {
	return [...]string{"a single value", "a list", "a mapping", "empty"}[k]
}

// node is one value of the file, with its place. Aliases and merge keys are already followed.
type node struct {
	kind         nodeKind
	line, column int
	yaml         *yaml.Node // of a scalar: style and tag
	text         string     // of a scalar: as written, quotes and escapes resolved
	keys         []key      // of a mapping, in order; see add
	index        map[string]int
	items        []*node // of a list
}

// key is one entry of a mapping.
type key struct {
	name         string
	line, column int
	value        *node
}

// get returns the value of a key, nil if there is none.
func (n *node) get(name string) *node {
	if k := n.key(name); k != nil {
		return k.value
	}
	return nil
}

func (n *node) key(name string) *key {
	if n == nil {
		return nil
	}
	if i, ok := n.index[name]; ok {
		return &n.keys[i]
	}
	return nil
}

// add appends an entry, whose name must be new.
func (n *node) add(k key) {
	if n.index == nil {
		n.index = map[string]int{}
	}
	n.index[k.name] = len(n.keys)
	n.keys = append(n.keys, k)
}

// reader turns YAML into nodes and collects what is wrong with it.
type reader struct {
	file     string
	problems *[]Problem
	count    int
	open     map[*yaml.Node]bool // anchors on the way down: an alias to one would never end
	full     bool
}

func (r *reader) bad(line, column int, path, format string, args ...any) {
	*r.problems = append(*r.problems, Problem{Position: Position{r.file, line, column}, Path: path,
		Message: fmt.Sprintf(format, args...)})
}

// read parses the file's only document; nil if it can't be used at all.
func (r *reader) read(data []byte) *node {
	if len(data) > maxFile {
		r.bad(0, 0, "", "is larger than %d bytes", maxFile)
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return &node{kind: mapping, line: 1, column: 1}
	} else if err != nil {
		r.syntax(err, data)
		return nil
	}
	switch err := dec.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		r.syntax(err, data)
		return nil
	default:
		r.bad(second.Line, second.Column, "", "a second document begins here; a configuration is one document")
	}
	root := r.node(doc.Content[0], "", 0)
	if root.kind == null {
		root.kind = mapping
	}
	if root.kind != mapping {
		r.bad(root.line, root.column, "", "must be a mapping with keys such as channels and routes, not %s", root.kind)
		return nil
	}
	return root
}

func (r *reader) node(y *yaml.Node, path string, depth int) *node {
	n := &node{kind: null, line: y.Line, column: y.Column, yaml: y}
	r.count++
	if r.count > maxNodes || depth > maxDepth {
		if !r.full {
			r.full = true
			r.bad(y.Line, y.Column, path, "is too large: at most %d values, nested at most %d deep", maxNodes, maxDepth)
		}
		return n
	}
	if y.Style&yaml.TaggedStyle != 0 && !strings.HasPrefix(y.ShortTag(), "!!") {
		r.bad(y.Line, y.Column, path, "begins with the tag %s, which means nothing here; put a text that begins with ! in quotes", y.Tag)
	}
	switch y.Kind {
	case yaml.AliasNode:
		if r.open[y.Alias] {
			r.bad(y.Line, y.Column, path, "alias *%s contains itself", y.Value)
			return n
		}
		target := r.node(y.Alias, path, depth+1)
		target.line, target.column = y.Line, y.Column
		return target
	case yaml.ScalarNode:
		if y.ShortTag() != "!!null" {
			n.kind, n.text = scalar, y.Value
		}
	case yaml.SequenceNode:
		n.kind = list
		r.enter(y, func() {
			for i, item := range y.Content {
				n.items = append(n.items, r.node(item, fmt.Sprintf("%s[%d]", path, i), depth+1))
			}
		})
	case yaml.MappingNode:
		n.kind = mapping
		r.enter(y, func() { r.entries(n, y, path, depth) })
	}
	return n
}

func (r *reader) enter(y *yaml.Node, do func()) {
	if r.open == nil {
		r.open = map[*yaml.Node]bool{}
	}
	r.open[y] = true
	do()
	delete(r.open, y)
}

func (r *reader) entries(n *node, y *yaml.Node, path string, depth int) {
	var merged []*yaml.Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		switch {
		case k.ShortTag() == "!!merge":
			merged = append(merged, v)
			continue
		case k.Kind != yaml.ScalarNode:
			r.bad(k.Line, k.Column, path, "a key must be a single word")
			continue
		case strings.ContainsAny(k.Value, delimiter+"\x00"):
			r.bad(k.Line, k.Column, path, "a key has control characters")
			continue
		}
		if first := n.key(k.Value); first != nil {
			r.bad(k.Line, k.Column, join(path, k.Value), "is there twice, first in line %d", first.line)
			continue
		}
		n.add(key{k.Value, k.Line, k.Column, r.node(v, join(path, k.Value), depth+1)})
	}
	for _, m := range merged {
		r.merge(n, m, path, depth)
	}
}

// merge adds the entries of a merge key's mapping or mappings; what is there already wins.
func (r *reader) merge(n *node, y *yaml.Node, path string, depth int) {
	from := r.node(y, path, depth+1)
	sources := []*node{from}
	if from.kind == list {
		sources = from.items
	}
	for _, s := range sources {
		if s.kind != mapping {
			r.bad(y.Line, y.Column, path, "<< needs a mapping or a list of mappings")
			continue
		}
		for _, k := range s.keys {
			if n.key(k.name) == nil {
				n.add(k)
			}
		}
	}
}

// join appends a key to a path.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
