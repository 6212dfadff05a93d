package aicc

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"patchbay/sandbox/simulator"
)

const (
	// localPrefix precedes the id of a file that an agent sent from disk. Other ids belong to the media library.
	localPrefix = "local/"
	maxUpload   = 10 << 20       // bytes of a file; the page states no limit
	maxDownload = 2 << 20        // bytes of a file
	linkTTL     = 24 * time.Hour // lifetime of a temporary link of downloadFileStream
)

// File is a file that a customer uploaded, an agent sent, or the media library contains.
type File struct {
	Type    string // extension, lower-case
	Content []byte // must not be changed
	User    string // the customer who uploaded it, "" for the agents' files
}

// AddLibraryFile adds a file to the media library. SayMedia can send it by its id.
func (s *Simulator) AddLibraryFile(id, fileType string, content []byte) {
	s.files.Put(id, File{Type: fileType, Content: content})
}

// File returns the file with the id of a Line.
func (s *Simulator) File(id string) (File, bool) { return s.files.Get(id) }

// fileOf returns the id of the file of an agent's message, "" if there is none.
func (s *Simulator) fileOf(m DownLinkMsg) string {
	if m.MediaType == nil || m.Content == nil || *m.MediaType == "TEXT" || *m.MediaType == "LOCATE" {
		return ""
	}
	for _, id := range []string{localPrefix + *m.Content, *m.Content} {
		if _, ok := s.files.Get(id); ok {
			return id
		}
	}
	return ""
}

// ContentType returns the content type of a file type, application/octet-stream by default.
func ContentType(fileType string) string {
	return cmp.Or(contentTypes[fileType], "application/octet-stream")
}

var contentTypes = map[string]string{
	"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "bmp": "image/bmp", "bpm": "image/bmp",
	"mp3": "audio/mpeg", "aac": "audio/aac", "mp4": "video/mp4",
	"txt": "text/plain; charset=utf-8", "csv": "text/csv; charset=utf-8", "pdf": "application/pdf",
}

type uploadCall struct {
	FileType   string `json:"fileType"`
	FileStream string `json:"fileStream"`
	Channel    string `json:"channel"`
}

func (s *Simulator) upload(r *simulator.Request, in *uploadCall) (any, error) {
	fileType := strings.ToLower(in.FileType)
	content, err := base64.StdEncoding.DecodeString(in.FileStream)
	code, problem := "", ""
	switch {
	case fileType == "" || in.FileStream == "" || in.Channel == "":
		code, problem = "2", "fileType, fileStream and channel are required"
	case in.Channel != "WEB" || !slices.Contains(uploadTypes, fileType) || err != nil:
		code, problem = "3", fmt.Sprintf("channel %q, fileType %q, base64 %v", in.Channel, fileType, err)
	case len(content) > maxUpload:
		code, problem = "13", fmt.Sprintf("the file has %d bytes, must have at most %d", len(content), maxUpload)
	}
	if code != "" {
		body := map[string]string{"returnCode": code}
		return nil, &simulator.Refusal{Status: http.StatusOK, Body: body, Problem: "result code " + code + ": " + problem}
	}
	key := uuid.NewString()
	s.files.Put(key, File{Type: fileType, Content: content, User: r.User})
	return map[string]string{"returnCode": "0", "objectKey": key}, nil
}

// downloadTypes are the file types of downloadFileStream.
var downloadTypes = slices.Concat(uploadTypes, []string{"richtext", "doc", "docx", "pdf", "zip"})

type downloadCall struct {
	FileID     string `json:"fileId"`
	FileType   string `json:"fileType"`
	Channel    string `json:"channel"`
	MultiMedia string `json:"multiMedia"`
}

func (s *Simulator) download(r *simulator.Request, in *downloadCall) (any, error) {
	f, err := s.find(in)
	if err != nil {
		return nil, err
	}
	out := map[string]string{"resultCode": "0"}
	if s.o.FileLinks != FileLinkOnly {
		out["fileStream"] = base64.StdEncoding.EncodeToString(f.Content)
	}
	if s.o.FileLinks != FileStreamOnly {
		base, _, _ := strings.Cut(r.RequestURI, "/apiaccess/") // the path at which Handler is mounted
		out["fileUrl"] = "http://" + r.Host + base + "/files/" + issue(&s.links, "", in.FileID, linkTTL)
	}
	return out, nil
}

// find returns the file, or a refusal with a text of the vendor's page. The text for an unknown id is an assumption.
func (s *Simulator) find(in *downloadCall) (File, error) {
	f, ok := s.files.Get(in.FileID)
	fileType, code, text := strings.ToLower(in.FileType), resultFailure, ""
	switch {
	case in.Channel == "":
		code, text = "2", "param channelId or userId or tenantId is null"
	case in.Channel != "WEB" || !slices.Contains(downloadTypes, fileType):
		text = "param filetype Out of range!"
	case !ok, f.User != "", !strings.HasPrefix(in.FileID, localPrefix) && in.MultiMedia != "multiMedia":
		code, text = "401", "objectKey is null!"
	case len(f.Content) == 0:
		text = "empty file!"
	case len(f.Content) > maxDownload, s.o.StrictFileType && f.Type != fileType:
		text = "fsservice downloadFile is failed"
	default:
		return f, nil
	}
	return File{}, failed(code, text, fmt.Sprintf("%+v", *in))
}

// file serves a temporary link, which needs no credentials.
func (s *Simulator) file(r *simulator.Request) (any, error) {
	l, ok := s.links.Get(r.PathValue("link"))
	if !ok || l.expired() {
		return nil, refused(http.StatusNotFound, "no such link, or it has expired")
	}
	f, _ := s.files.Get(l.subject)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ContentType(f.Type))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(f.Content) // fails only if the caller has disconnected
	}), nil
}
