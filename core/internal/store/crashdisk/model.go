// Package crashdisk is for tests. It records the file operations of a process, and computes the files that a power cut
// can leave, according to POSIX: only synced content and entries of synced folders are certain to survive.
package crashdisk

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Kind is the kind of an operation.
type Kind int

// The kinds.
const (
	Create   Kind = iota // creates a file, or truncates an existing file
	MakeDir              // creates a folder
	Write                // writes Data at Offset
	Truncate             // truncates a file to Offset
	Sync                 // syncs a file or folder
	FailSync             // fails to sync: the system forgets the writes, and a later sync succeeds without them
	Rename               // renames to To
	Remove               // removes a file or an empty folder
	Print                // writes Data to the standard output
)

// Op is a completed operation. Paths are relative to the recorded folder, which is ".".
type Op struct {
	Kind     Kind
	Path, To string
	Offset   int64
	Data     []byte
	Synced   bool // the file was opened with O_DSYNC or O_SYNC
}

// node is a file or a folder, which may have several names.
type node struct {
	folder  bool
	content []byte
	synced  []byte
	writes  []Op // since the last sync

	entries map[string]*node
	durable map[string]*node
	changes []change // since the last sync
}

// change is a change of a folder's entries that is stored entirely or not at all. A nil node removes the name.
type change map[string]*node

// Disk is a model of a folder. The zero value is an empty folder that is synced.
type Disk struct{ root *node }

func newFolder() *node {
	return &node{folder: true, entries: map[string]*node{}, durable: map[string]*node{}}
}

// Apply applies an operation.
func (d *Disk) Apply(op Op) error {
	if d.root == nil {
		d.root = newFolder()
	}
	if op.Kind == Print {
		return nil
	}
	parent, name := d.find(filepath.Dir(op.Path)), filepath.Base(op.Path)
	if op.Path == "." {
		parent, name = &node{folder: true, entries: map[string]*node{".": d.root}}, "."
	}
	if parent == nil || !parent.folder {
		return fmt.Errorf("apply %+v: no folder", op)
	}
	n := parent.entries[name]
	switch op.Kind {
	case Create:
		if n == nil {
			parent.change(change{name: &node{}})
		} else {
			n.write(Op{Kind: Truncate})
		}
		return nil
	case MakeDir:
		parent.change(change{name: newFolder()})
		return nil
	}
	if n == nil {
		return fmt.Errorf("apply %d to %s: no such file", op.Kind, op.Path)
	}
	switch op.Kind {
	case Write, Truncate:
		n.write(op)
	case Sync:
		n.sync()
	case FailSync:
		n.writes, n.changes = nil, nil
	case Remove:
		parent.change(change{name: nil})
	case Rename:
		to := d.find(filepath.Dir(op.To))
		if to == nil {
			return fmt.Errorf("apply a rename to %s: no folder", op.To)
		}
		if to == parent {
			parent.change(change{name: nil, filepath.Base(op.To): n})
		} else {
			to.change(change{filepath.Base(op.To): n})
			parent.change(change{name: nil})
		}
	}
	return nil
}

// find returns the node of a path, or nil.
func (d *Disk) find(path string) *node {
	n := d.root
	for _, name := range strings.Split(path, "/") {
		if name != "." && n != nil {
			n = n.entries[name]
		}
	}
	return n
}

func (n *node) change(c change) {
	apply(n.entries, c)
	n.changes = append(n.changes, c)
}

func apply(entries map[string]*node, c change) {
	maps.Copy(entries, c)
	maps.DeleteFunc(entries, func(_ string, n *node) bool { return n == nil })
}

func (n *node) write(op Op) {
	n.content = applyWrite(n.content, op)
	n.writes = append(n.writes, op)
	if op.Synced {
		n.sync()
	}
}

// applyWrite returns content after a write or a truncation.
func applyWrite(content []byte, op Op) []byte {
	end := int(op.Offset) + len(op.Data)
	if grow := end - len(content); grow > 0 {
		content = append(content, make([]byte, grow)...)
	}
	if op.Kind == Truncate {
		return content[:end]
	}
	copy(content[op.Offset:], op.Data)
	return content
}

func (n *node) sync() {
	for _, op := range n.writes {
		n.synced = applyWrite(n.synced, op)
	}
	for _, c := range n.changes {
		apply(n.durable, c)
	}
	n.writes, n.changes = nil, nil
}

// Loss decides on the operations that are not synced.
type Loss int

// The losses.
const (
	LoseAll  Loss = iota // none of them is on the disk
	LoseSome             // any of them may be missing, and the last write to a file may be incomplete
	LoseNone             // all of them are on the disk, as after a kill
)

// Losses are all losses.
var Losses = []Loss{LoseAll, LoseSome, LoseNone}

// Save writes the files that a power cut leaves to an existing, empty folder.
func (d *Disk) Save(dir string, loss Loss, random *rand.Rand) error {
	if d.root == nil {
		return nil
	}
	return d.root.save(dir, loss, random)
}

func (n *node) save(path string, loss Loss, random *rand.Rand) error {
	keep := func() bool { return loss == LoseNone || loss == LoseSome && random.IntN(2) == 0 }
	if !n.folder {
		content := bytes.Clone(n.synced)
		for i, op := range n.writes {
			if !keep() {
				continue
			}
			if last := i == len(n.writes)-1; last && loss == LoseSome && op.Kind == Write {
				op.Data = op.Data[:random.IntN(len(op.Data)+1)]
			}
			content = applyWrite(content, op)
		}
		return os.WriteFile(path, content, 0o600)
	}
	entries := maps.Clone(n.durable)
	for _, c := range n.changes {
		if keep() {
			apply(entries, c)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		at := filepath.Join(path, name)
		if entries[name].folder {
			if err := os.Mkdir(at, 0o700); err != nil {
				return err
			}
		}
		if err := entries[name].save(at, loss, random); err != nil {
			return err
		}
	}
	return nil
}
