package admin

import (
	"net/http"
	"time"
)

// backup serves GET /api/backup: a consistent copy of the store, as a zip file. After the first byte an error can only
// break the connection.
func (a *Admin) backup(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/zip")
	began := time.Now()
	if err := a.Backup(r.Context(), newStallWriter(w)); err != nil { // a backup can take minutes
		a.Logger.Error("backup failed", "error", err)
		panic(http.ErrAbortHandler)
	}
	a.Logger.Info("backup written", "duration_seconds", time.Since(began).Seconds())
}
