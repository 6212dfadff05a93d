package config

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// nodeKind is the form of a node.
type nodeKind int

const (
	scalar nodeKind = iota
	list
	mapping
	null   // a key without a value
	absent // no key
)

func (k nodeKind) String() string {
	return [...]string{"a single value", "a list", "a mapping", "empty", "missing"}[k]
}

// node is one setting with its position. Aliases and merge keys are resolved.
type node struct {
	kind      nodeKind
	name      string // the key, or the number in a list
	at        Position
	key       Position // of the key; zero without one
	parent    *node    // nil of the root
	children  []*node  // of a mapping or list, in order; see add
	index     map[string]*node
	yaml      *yaml.Node   // style and tag of a scalar; nil if it is not from the file
	text      string       // of a scalar, without quotes and escapes
	isDefault bool         // from defaults or channelDefaults
	resolved  resolvedText // set by the decoder
}

// newChild returns a node for a member of n, with the position of n. It does not add the node to n.
func (n *node) newChild(kind nodeKind, name string) *node {
	return &node{kind: kind, name: name, at: n.place(), parent: n}
}

// add appends a member to a mapping or list.
func (n *node) add(child *node) {
	if n.index == nil {
		n.index = map[string]*node{}
	}
	child.parent, n.index[child.name] = n, child
	n.children = append(n.children, child)
}

// replace replaces the member with the same name by child, or appends child if there is none.
func (n *node) replace(child *node) {
	if i := slices.Index(n.children, n.index[child.name]); i >= 0 {
		n.children[i], n.index[child.name] = child, child
		return
	}
	n.add(child)
}

// child returns the member of that name, or an absent node if there is none.
func (n *node) child(name string) *node {
	if c := n.index[name]; c != nil {
		return c
	}
	return n.newChild(absent, name)
}

// find returns the setting at a path. If there is no such setting, it returns an absent node with the position of the
// closest parent that exists.
func (n *node) find(path ...string) *node {
	for _, name := range path {
		n = n.child(name)
	}
	return n
}

// isSet reports whether the file or the environment has a value for the setting.
func (n *node) isSet() bool { return n.kind < null && !n.isDefault }

// path returns the path of the setting, such as routes[2].when.
func (n *node) path() string {
	if n.parent == nil {
		return n.name
	}
	return join(n.parent.path(), n.name)
}

// place returns the position of a setting as a whole: the value if it is a single value, otherwise the key.
func (n *node) place() Position {
	if n.kind != scalar && n.key != (Position{}) {
		return n.key
	}
	return n.at
}

// keyPlace returns the position of the setting's key.
func (n *node) keyPlace() Position {
	if n.key != (Position{}) {
		return n.key
	}
	return n.at
}

// isText reports whether the value is a string in YAML, such as a number in quotes.
func (n *node) isText() bool { return n.yaml != nil && n.yaml.ShortTag() == "!!str" }

// join appends a key or the number of an item to a path.
func join(path, name string) string {
	if _, err := strconv.Atoi(name); err == nil && path != "" {
		return path + "[" + name + "]"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}
