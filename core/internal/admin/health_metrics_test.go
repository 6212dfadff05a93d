package admin

import (
	"net/http/httptest"
	"strings"
	"testing"

	"patchbay/core/internal/store"
)

func TestReadinessAndMissingRecordsAreMetrics(t *testing.T) {
	a := newTestAPI(t)
	a.log.SetHealth(&store.Health{Reason: "the disk is full", Free: 7, Limit: 90, Missing: []store.Range{{First: 5, Last: 9}}})
	r := httptest.NewRequest("GET", "http://127.0.0.1/metrics", nil)
	w := httptest.NewRecorder()
	a.admin.Handler().ServeHTTP(w, r)
	for _, want := range []string{
		"patchbay_ready 0\n", "patchbay_store_disk_free_bytes 7\n", "patchbay_store_missing_records 5\n",
		"patchbay_store_limit_bytes 90\n",
	} {
		if !strings.Contains(w.Body.String(), "\n"+want) {
			t.Errorf("metrics do not contain %q", want)
		}
	}
}
