package media

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// restore loads the items of the previous run and deletes the files of incomplete items. It ignores files with other
// names.
func (s *Store) restore() error {
	entries, err := os.ReadDir(s.opt.Dir)
	if err != nil {
		return fmt.Errorf("read the folder: %w", err)
	}
	items := s.readItems(entries)
	if err := s.deleteIncomplete(entries, items); err != nil {
		return fmt.Errorf("delete files of the previous run: %w", err)
	}
	slices.SortFunc(items, func(a, b *Item) int { return a.fetched.Compare(b.fetched) })
	s.mu.Lock()
	for _, i := range items {
		s.used += diskSize(i.Size)
		s.add(i)
	}
	s.mu.Unlock()
	return s.reserve(0) // evicts items if TotalBytes was lowered
}

func (s *Store) readItems(entries []fs.DirEntry) (items []*Item) {
	now := s.opt.Now()
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), metadataSuffix)
		if !ok || !validID(id) {
			continue
		}
		i, err := s.readItem(id, now)
		if err != nil {
			s.opt.Logger.Debug("medium of the previous run dropped", "id", id, "error", err)
			continue
		}
		items = append(items, i)
	}
	return items
}

func (s *Store) deleteIncomplete(entries []fs.DirEntry, items []*Item) error {
	complete := map[string]bool{}
	for _, i := range items {
		complete[i.ID] = true
	}
	for _, e := range entries {
		name := e.Name()
		suffix := filepath.Ext(name)
		id := strings.TrimSuffix(name, suffix)
		ours := validID(id) && slices.Contains([]string{dataSuffix, metadataSuffix, tempSuffix}, suffix)
		if ours && (!complete[id] || suffix == tempSuffix) || name == keyFile+tempSuffix {
			if err := os.RemoveAll(filepath.Join(s.opt.Dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// readItem reads the metadata of an item and checks that the item is usable.
func (s *Store) readItem(id string, now time.Time) (*Item, error) {
	m, err := s.readMetadata(id)
	if err != nil {
		return nil, err
	}
	data, err := os.Lstat(s.path(id, dataSuffix))
	if err != nil {
		return nil, err
	}
	i := &Item{
		ID: id, Info: Info{ContentType: m.ContentType, Name: m.Name, Size: m.Size}, Expires: m.Expires, store: s,
		source: m.Source, sum: m.SHA256, declared: m.Declared, fetched: m.Fetched,
	}
	if until := i.fetched.Add(s.opt.Keep); until.Before(i.Expires) {
		i.Expires = until // Options.Keep was lowered
	}
	switch {
	case m.ID != id || m.Version != metadataVersion:
		return nil, errors.New("the metadata belong to another item or have another version")
	case m.Name == "" || cleanName(m.Name) != m.Name || parseType(m.ContentType) != m.ContentType:
		return nil, errors.New("the metadata have an invalid name or type")
	case !data.Mode().IsRegular() || data.Size() != m.Size || m.Size > s.opt.MaxBytes:
		return nil, fmt.Errorf("the file has %d bytes, its metadata require %d", data.Size(), m.Size)
	case i.hasExpired(now):
		return nil, errors.New("the item has expired")
	}
	return i, nil
}

func (s *Store) readMetadata(id string) (m metadata, err error) {
	path := s.path(id, metadataSuffix)
	info, err := os.Lstat(path)
	if err != nil {
		return m, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxMetadata {
		return m, errors.New("the metadata are damaged")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("decode the metadata: %w", err)
	}
	return m, nil
}
