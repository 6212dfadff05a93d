package aicc

import (
	"crypto/rand"
	"fmt"
	"sync"
	"time"
)

// localPrefix is before the id of a file that an agent sent from disk; without it, the id is one of the media library.
const localPrefix = "local/"

// File is one that a customer uploaded, an agent sent, or the media library has.
type File struct {
	Type    string // extension, lower-case; "" if the file was added without one
	Content []byte // must not be changed
	User    string // who uploaded it, "" for the agents' files
}

// files holds all files. The zero value is ready to use.
type files struct {
	mu    sync.Mutex
	byID  map[string]File
	links map[string]link
}

type link struct {
	file string
	end  time.Time
}

func (f *files) get(id string) (File, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	file, ok := f.byID[id]
	return file, ok
}

func (f *files) put(id string, file File) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byID == nil {
		f.byID = map[string]File{}
	}
	f.byID[id] = file
}

func (f *files) newLink(id string, end time.Time) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.links == nil {
		f.links = map[string]link{}
	}
	name := rand.Text()
	f.links[name] = link{file: id, end: end}
	return name
}

func (f *files) follow(name string, now time.Time) (File, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l, ok := f.links[name]
	if !ok || !now.Before(l.end) {
		return File{}, false
	}
	return f.byID[l.file], true
}

// AddFile makes a file available to downloadFileStream under exactly this id, as any type.
func (s *Simulator) AddFile(id string, content []byte) { s.files.put(id, File{Content: content}) }

// AddLibraryFile puts a file into the media library; SayMedia with its id sends it.
func (s *Simulator) AddLibraryFile(id, fileType string, content []byte) {
	s.files.put(id, File{Type: fileType, Content: content})
}

// File returns the file that a Line or an Event names.
func (s *Simulator) File(id string) (File, bool) { return s.files.get(id) }

// fileOf returns the id under which the file of a message that is sent down can be found, "" if there is none.
func (s *Simulator) fileOf(mediaType, content string) string {
	if mediaType == "TEXT" || mediaType == "LOCATE" {
		return ""
	}
	for _, id := range []string{localPrefix + content, content} {
		if _, ok := s.files.get(id); ok {
			return id
		}
	}
	return ""
}

// newObjectKey returns a random UUID, as object keys in the page's examples are.
func newObjectKey() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// ContentType returns the content type of a file type; application/octet-stream for those that it does not know.
func ContentType(fileType string) string {
	if t, ok := contentTypes[fileType]; ok {
		return t
	}
	return "application/octet-stream"
}

var contentTypes = map[string]string{
	"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "bmp": "image/bmp", "bpm": "image/bmp",
	"mp3": "audio/mpeg", "aac": "audio/aac", "mp4": "video/mp4",
	"txt": "text/plain; charset=utf-8", "csv": "text/csv; charset=utf-8", "pdf": "application/pdf",
}
