package aicc

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// linkTTL is how long a temporary link of downloadFileStream works.
const linkTTL = 24 * time.Hour

// downloadTypes are the file types of downloadFileStream.
var downloadTypes = slices.Concat(uploadTypes, []string{"richtext", "doc", "docx", "pdf", "zip"})

func (s *Simulator) upload(w http.ResponseWriter, r *http.Request, user string) {
	var in struct{ FileType, FileStream, Channel string }
	if !s.read(w, r, &in) {
		return
	}
	content, code, problem := s.uploadOf(in.FileType, in.FileStream, in.Channel)
	s.note(code, problem)
	if code != "0" {
		writeJSON(w, http.StatusOK, map[string]string{"returnCode": code})
		return
	}
	key := newObjectKey()
	s.files.put(key, File{Type: strings.ToLower(in.FileType), Content: content, User: user})
	s.uploads.Add(1)
	writeJSON(w, http.StatusOK, map[string]string{"returnCode": "0", "objectKey": key})
}

func (s *Simulator) uploadOf(fileType, stream, channel string) (content []byte, code, problem string) {
	switch {
	case fileType == "" || stream == "" || channel == "":
		return nil, "2", "fileType, fileStream and channel are required"
	case channel != "WEB":
		return nil, "3", "channel must be WEB"
	case !slices.Contains(uploadTypes, strings.ToLower(fileType)):
		return nil, "3", fmt.Sprintf("fileType %q is not one of %v", fileType, uploadTypes)
	}
	content, err := base64.StdEncoding.DecodeString(stream)
	switch {
	case err != nil:
		return nil, "3", "fileStream is not base64: " + err.Error()
	case len(content) > s.o.MaxUpload:
		return nil, "13", fmt.Sprintf("the file has %d bytes, at most %d", len(content), s.o.MaxUpload)
	}
	return content, "0", ""
}

func (s *Simulator) download(w http.ResponseWriter, r *http.Request, _ string) {
	var in struct{ FileID, FileType, Channel, MultiMedia string }
	if !s.read(w, r, &in) {
		return
	}
	f, res := s.downloadOf(in.FileID, strings.ToLower(in.FileType), in.Channel, in.MultiMedia)
	if res.code != "0" {
		s.result(w, res)
		return
	}
	s.downloads.Add(1)
	out := map[string]string{"resultCode": "0"}
	if s.o.FileLinks != FileLinkOnly {
		out["fileStream"] = base64.StdEncoding.EncodeToString(f.Content)
	}
	if s.o.FileLinks != FileStreamOnly {
		out["fileUrl"] = mount(r) + "/files/" + s.files.newLink(in.FileID, s.o.Now().Add(linkTTL))
	}
	writeJSON(w, http.StatusOK, out)
}

// mount returns the address of what Handler serves, as the caller of one of its endpoints knows it.
func mount(r *http.Request) string {
	base, _, _ := strings.Cut(r.RequestURI, "/apiaccess/")
	if r.TLS != nil {
		return "https://" + r.Host + base
	}
	return "http://" + r.Host + base
}

// downloadOf finds the file, or says which of the page's texts applies. That an unknown id is "objectKey is null!" is
// our reading.
func (s *Simulator) downloadOf(id, fileType, channel, multiMedia string) (File, result) {
	if channel == "" {
		return File{}, result{code: "2", text: "param channelId or userId or tenantId is null"}
	}
	if channel != "WEB" || !slices.Contains(downloadTypes, fileType) {
		return File{}, failed("param filetype Out of range!", fmt.Sprintf("channel %q, fileType %q", channel, fileType))
	}
	f, ok := s.files.get(id)
	library := !strings.HasPrefix(id, localPrefix)
	switch {
	case !ok, f.User != "":
		return File{}, result{code: "401", text: "objectKey is null!", problem: fmt.Sprintf("no file %q", id)}
	case library && multiMedia != "multiMedia":
		return File{}, result{code: "401", text: "objectKey is null!",
			problem: fmt.Sprintf("file %q is of the media library, but multiMedia is %q", id, multiMedia)}
	case len(f.Content) == 0:
		return File{}, failed("empty file!", "")
	case len(f.Content) > s.o.MaxDownload:
		return File{}, failed("fsservice downloadFile is failed",
			fmt.Sprintf("the file has %d bytes, at most %d", len(f.Content), s.o.MaxDownload))
	case s.o.StrictFileType && f.Type != fileType:
		return File{}, failed("fsservice downloadFile is failed",
			fmt.Sprintf("the file is a %s, not a %s", f.Type, fileType))
	}
	return f, succeeded("")
}

// file serves a temporary link. It needs no credentials: the link is one.
func (s *Simulator) file(w http.ResponseWriter, r *http.Request) {
	f, ok := s.files.follow(r.PathValue("link"), s.o.Now())
	if !ok {
		s.refuse(w, http.StatusNotFound, "no such link, or it is too old")
		return
	}
	s.downloads.Add(1)
	w.Header().Set("Content-Type", ContentType(f.Type))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	// An error here means that the caller left; there is nobody to tell.
	_, _ = w.Write(f.Content)
}
