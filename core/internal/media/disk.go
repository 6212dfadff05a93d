package media

import (
	"encoding/base64"
	"encoding/hex"
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

// An item has two files: its bytes, and the record that makes them an item, which is written last and deleted first.
const (
	dataSuffix   = ".data"
	recordSuffix = ".json"
	tempSuffix   = ".part" // of what is being written

	blockBytes    = 4 << 10
	recordVersion = 2
	maxRecord     = 8 << 10
)

// record is what is kept beside an item's bytes. It has no link of a vendor's, and no name of a person.
type record struct {
	Version     int       `json:"version"`
	ID          string    `json:"id"`
	Of          string    `json:"of"`
	ContentType string    `json:"content_type"`
	Declared    string    `json:"declared,omitempty"`
	Name        string    `json:"name"`
	Size        int64     `json:"size"`
	SHA256      string    `json:"sha256"`
	Fetched     time.Time `json:"fetched"`
	Expires     time.Time `json:"expires"`
}

// room is what a medium of that size takes on disk: whole blocks, and one for the record.
func room(size int64) int64 { return (size+blockBytes-1)/blockBytes*blockBytes + blockBytes }

func (s *Store) path(id, suffix string) string { return filepath.Join(s.opt.Dir, id+suffix) }

// publish makes the written bytes of an item, and its record, last beyond the process.
func (s *Store) publish(i *Item) error {
	text, err := json.Marshal(record{
		Version: recordVersion, ID: i.ID, Of: hex.EncodeToString(i.of[:]), ContentType: i.ContentType, Declared: i.declared,
		Name: i.Name, Size: i.Size, SHA256: hex.EncodeToString(i.sum[:]), Fetched: i.fetched, Expires: i.Expires,
	})
	if err != nil {
		return fmt.Errorf("encode the record: %w", err)
	}
	if err := os.Rename(s.path(i.ID, tempSuffix), s.path(i.ID, dataSuffix)); err != nil {
		return err
	}
	if err := os.WriteFile(s.path(i.ID, tempSuffix), text, 0o600); err != nil {
		return err
	}
	return os.Rename(s.path(i.ID, tempSuffix), s.path(i.ID, recordSuffix))
}

// deleteFiles deletes what there is of an item.
func (s *Store) deleteFiles(id string) error {
	var errs []error
	for _, suffix := range []string{recordSuffix, dataSuffix, tempSuffix} {
		if err := os.Remove(s.path(id, suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// restore takes up the items of a former run and deletes what is no whole item. Files of other names stay.
func (s *Store) restore() error {
	entries, err := os.ReadDir(s.opt.Dir)
	if err != nil {
		return fmt.Errorf("read the folder: %w", err)
	}
	var found []*Item
	now := s.opt.Now()
	whole := map[string]bool{}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), recordSuffix)
		if !ok || !validID(id) {
			continue
		}
		i, err := s.readItem(id, now)
		if err != nil {
			s.opt.Logger.Debug("a kept medium is dropped", "id", id, "error", err)
			continue
		}
		found = append(found, i)
		whole[id] = true
	}
	for _, e := range entries {
		name := e.Name()
		id := strings.TrimSuffix(name, filepath.Ext(name))
		ours := validID(id) && slices.Contains([]string{dataSuffix, recordSuffix, tempSuffix}, filepath.Ext(name))
		if ours && (!whole[id] || filepath.Ext(name) == tempSuffix) || name == keyFile+tempSuffix {
			if err := os.RemoveAll(filepath.Join(s.opt.Dir, name)); err != nil {
				return fmt.Errorf("remove what a former run has left: %w", err)
			}
		}
	}
	slices.SortFunc(found, func(a, b *Item) int { return a.fetched.Compare(b.fetched) })
	s.mu.Lock()
	for _, i := range found {
		s.used += room(i.Size)
		s.add(i)
	}
	s.mu.Unlock()
	return s.reserve(0) // the bound may be lower than it was
}

// readItem reads the record of an item, and looks whether the item can be used.
func (s *Store) readItem(id string, now time.Time) (*Item, error) {
	info, err := os.Lstat(s.path(id, recordSuffix))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxRecord {
		return nil, errors.New("the record is none")
	}
	text, err := os.ReadFile(s.path(id, recordSuffix))
	if err != nil {
		return nil, err
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("decode the record: %w", err)
	}
	data, err := os.Lstat(s.path(id, dataSuffix))
	if err != nil {
		return nil, err
	}
	i := &Item{
		ID: id, Info: Info{ContentType: r.ContentType, Name: r.Name, Size: r.Size}, Expires: r.Expires, store: s,
		declared: r.Declared, fetched: r.Fetched,
	}
	if until := i.fetched.Add(s.opt.Keep); until.Before(i.Expires) {
		i.Expires = until // media are to be kept shorter now
	}
	switch {
	case !readDigest(&i.of, r.Of) || !readDigest(&i.sum, r.SHA256) || r.ID != id || r.Version != recordVersion:
		return nil, errors.New("the record is damaged, or of another version")
	case r.Name == "" || cleanName(r.Name) != r.Name || baseType(r.ContentType) != r.ContentType:
		return nil, errors.New("the record has a name or type that was not written by this program")
	case !data.Mode().IsRegular() || data.Size() != r.Size || r.Size > s.opt.MaxBytes:
		return nil, fmt.Errorf("the file has %d bytes, its record says %d", data.Size(), r.Size)
	case i.expired(now):
		return nil, errors.New("it has expired")
	}
	return i, nil
}

// readDigest reads a digest from hexadecimal digits.
func readDigest(into *digest, text string) bool {
	if len(text) != 2*len(into) {
		return false
	}
	_, err := hex.Decode(into[:], []byte(text))
	return err == nil
}

// idBytes are the random bytes of an id.
const idBytes = 16

var idLength = base64.RawURLEncoding.EncodedLen(idBytes)

// validID reports whether a text has the form of an id, which is safe as a file's name.
func validID(s string) bool {
	return len(s) == idLength && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
	})
}
