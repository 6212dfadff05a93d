package admin

import (
	"context"
	"io"
	"net/http/httptest"
	"testing"
	"time"
)

// deadlineRecorder records the deadline of each write.
type deadlineRecorder struct {
	*httptest.ResponseRecorder
	deadline time.Time
	writes   []time.Time
}

func (d *deadlineRecorder) SetWriteDeadline(t time.Time) error {
	d.deadline = t
	return nil
}

func (d *deadlineRecorder) Write(p []byte) (int, error) {
	d.writes = append(d.writes, d.deadline)
	return d.ResponseRecorder.Write(p)
}

func TestEachWriteOfABackupHasADeadline(t *testing.T) {
	a := newTestAPI(t)
	a.admin.Backup = func(_ context.Context, w io.Writer) error {
		for range 2 {
			if _, err := w.Write([]byte("part")); err != nil {
				return err
			}
			time.Sleep(time.Millisecond)
		}
		return nil
	}
	w := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
	a.admin.Handler().ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1/api/backup", nil))
	if len(w.writes) != 2 || w.writes[0].IsZero() || !w.writes[1].After(w.writes[0]) || w.Body.String() != "partpart" {
		t.Errorf("writes with the deadlines %v, body %q; want two parts, each with a later deadline", w.writes, w.Body)
	}
}

// A search for decisions or exports can take minutes. The caller has a minute to read each part of the response.
func TestLongResponsesHaveADeadlineForEachWrite(t *testing.T) {
	a := newTestAPI(t)
	a.say("web", "t1", "m1", "hello")
	for _, path := range []string{
		"/api/decisions?last=10", "/api/conversations/" + a.onlyConversation() + "/export?config=config.yaml",
		"/api/decisions?id=nosuch", "/api/conversations/nosuch/export",
	} {
		w := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
		before := time.Now()
		a.admin.Handler().ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1"+path, nil))
		for _, deadline := range w.writes {
			if left := deadline.Sub(before); left < maxStall || left > maxStall+10*time.Second {
				t.Errorf("GET %s: a write has %v, want %v", path, left, maxStall)
			}
		}
		if len(w.writes) == 0 {
			t.Errorf("GET %s: no response", path)
		}
	}
}
