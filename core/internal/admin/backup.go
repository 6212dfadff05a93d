package admin

import (
	"net/http"
	"time"
)

// backupStall is the time that the caller of a backup has to read a part of it. A running backup holds locks of the
// store, so a caller that stops reading must not keep it.
const backupStall = time.Minute

// backup serves GET /api/backup: a consistent copy of the store, as a zip file. After the first byte an error can only
// break the connection.
func (a *Admin) backup(w http.ResponseWriter, r *http.Request) {
	out := &stallWriter{w, http.NewResponseController(w)}
	if err := out.extend(); err != nil { // a backup can take minutes
		a.fail(w, "back up the store", err)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	began := time.Now()
	if err := a.Backup(r.Context(), out); err != nil {
		a.Logger.Error("backup failed", "error", err)
		panic(http.ErrAbortHandler)
	}
	a.Logger.Info("backup written", "duration_seconds", time.Since(began).Seconds())
}

// stallWriter writes a response. Each write has the time backupStall.
type stallWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (s *stallWriter) extend() error { return s.control.SetWriteDeadline(time.Now().Add(backupStall)) }

// Write implements io.Writer.
func (s *stallWriter) Write(p []byte) (int, error) {
	if err := s.extend(); err != nil {
		return 0, err
	}
	return s.ResponseWriter.Write(p)
}
