package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"patchbay/core/internal/finding"
)

// Limits of a file. Aliases are resolved before they are counted, so that a few lines cannot become gigabytes.
const (
	maxFile  = 4 << 20
	maxNodes = 100_000
	maxDepth = 64
)

// standardTags are the tags of YAML that a value can have.
var standardTags = []string{"!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq", "!!timestamp"}

// reader turns YAML into nodes and collects the problems.
type reader struct {
	file     string
	problems *[]Problem
	count    int                 // nodes that were read
	open     map[*yaml.Node]bool // nodes that contain the current node; an alias of one of them would contain itself
	full     bool                // the problem that the file is too large was reported
}

func (r *reader) bad(code finding.Code, line, column int, path, format string, args ...any) {
	*r.problems = append(*r.problems, Problem{Code: code, Position: Position{r.file, line, column}, Path: path,
		Message: fmt.Sprintf(format, args...)})
}

// read parses the file's only document. It returns nil if nothing can be used.
func (r *reader) read(data []byte) *node {
	if len(data) > maxFile {
		r.bad(finding.FileTooLarge, 0, 0, "", "is larger than %d bytes", maxFile)
		return nil
	}
	r.open = map[*yaml.Node]bool{}
	root := &node{kind: mapping, at: Position{r.file, 1, 1}}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return root
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
		r.bad(finding.YAMLSyntax, second.Line, second.Column, "",
			"a second document begins here; a configuration is one document")
	}
	root.kind = null
	r.fill(root, doc.Content[0], 0)
	if root.kind == null {
		root.kind = mapping
	}
	if root.kind != mapping {
		r.bad(finding.WrongType, root.at.Line, root.at.Column, "",
			"must be a mapping with keys such as channels and routes, not %s",
			root.kind)
		return nil
	}
	return root
}

// fill reads a value into its node.
func (r *reader) fill(n *node, y *yaml.Node, depth int) {
	n.at, n.yaml = Position{r.file, y.Line, y.Column}, y
	r.count++
	if r.count > maxNodes || depth > maxDepth {
		if !r.full {
			r.full = true
			r.bad(finding.FileTooLarge, y.Line, y.Column, n.path(),
				"is too large: at most %d values, nested at most %d deep", maxNodes,
				maxDepth)
		}
		return
	}
	if y.Style&yaml.TaggedStyle != 0 && !slices.Contains(standardTags, y.ShortTag()) {
		r.bad(finding.YAMLTag, y.Line, y.Column, n.path(),
			"begins with the unknown tag %s; put a value that begins with ! in quotes", y.ShortTag())
	}
	r.open[y] = true
	switch y.Kind {
	case yaml.AliasNode:
		if r.open[y.Alias] {
			r.bad(finding.YAMLSyntax, y.Line, y.Column, n.path(), "alias *%s contains itself", y.Value)
			break
		}
		r.fill(n, y.Alias, depth+1)
		n.at = Position{r.file, y.Line, y.Column}
	case yaml.ScalarNode:
		if y.ShortTag() != "!!null" {
			n.kind, n.text = scalar, y.Value
		}
	case yaml.SequenceNode:
		n.kind = list
		for i, item := range y.Content {
			child := n.newChild(null, strconv.Itoa(i))
			r.fill(child, item, depth+1)
			n.add(child)
		}
	case yaml.MappingNode:
		n.kind = mapping
		r.entries(n, y, depth)
	}
	delete(r.open, y)
}

func (r *reader) entries(n *node, y *yaml.Node, depth int) {
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
			r.bad(finding.YAMLSyntax, k.Line, k.Column, n.path(), "a key must be a single word")
			continue
		case strings.ContainsAny(k.Value, delimiter+"\x00"):
			r.bad(finding.InvalidName, k.Line, k.Column, n.path(), "a key contains control characters")
			continue
		}
		if first := n.index[k.Value]; first != nil {
			r.bad(finding.DuplicateKey, k.Line, k.Column, first.path(), "is defined twice, first in line %d", first.key.Line)
			continue
		}
		child := n.newChild(null, k.Value)
		child.key = Position{r.file, k.Line, k.Column}
		r.fill(child, v, depth+1)
		n.add(child)
	}
	for _, m := range merged {
		r.merge(n, m, depth)
	}
}

// merge adds the entries of a merge key's mappings whose keys n does not have.
func (r *reader) merge(n *node, y *yaml.Node, depth int) {
	from := &node{kind: null, name: n.name, parent: n.parent}
	r.fill(from, y, depth+1)
	sources := []*node{from}
	if from.kind == list {
		sources = from.children
	}
	for _, s := range sources {
		if s.kind != mapping {
			r.bad(finding.WrongType, y.Line, y.Column, n.path(), "<< needs a mapping or a list of mappings")
			continue
		}
		for _, child := range s.children {
			if n.index[child.name] == nil {
				n.add(child)
			}
		}
	}
}
