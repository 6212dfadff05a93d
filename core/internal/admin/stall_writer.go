package admin

import (
	"errors"
	"net/http"
	"time"
)

// maxStall is the time that a caller has to read a part of a long response. A running backup holds locks of the store,
// and a search of the log holds its records, so a caller that stops reading must not keep them.
const maxStall = time.Minute

// stallWriter writes a response that can take minutes. Each write has the time maxStall.
type stallWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func newStallWriter(w http.ResponseWriter) *stallWriter {
	return &stallWriter{w, http.NewResponseController(w)}
}

// Write implements io.Writer.
func (s *stallWriter) Write(p []byte) (int, error) {
	err := s.control.SetWriteDeadline(time.Now().Add(maxStall))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return s.ResponseWriter.Write(p)
}
