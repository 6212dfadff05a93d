package cli_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/cli"
)

func TestDrainOfAGatewayThatIsStartedAgain(t *testing.T) {
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		status := admin.DrainStatus{Draining: calls < 3} // then a supervisor has started another one
		status.Offers = 2
		_ = json.NewEncoder(w).Encode(status)
	}))
	defer server.Close()
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	var stdout bytes.Buffer
	code := cli.Main(t.Context(), cli.Process{
		Args: []string{"drain", "--admin", strings.TrimPrefix(server.URL, "http://")}, Stdout: &stdout, Stderr: stderr,
		Unhook: func() {},
	})
	if got := stdout.String(); got != "deliveries left: 0; offers that continue after the next start: 2\n" {
		t.Errorf("stdout %q", got)
	}
	printed, _ := os.ReadFile(stderr.Name())
	if code != 1 || !strings.Contains(string(printed), "was started again") {
		t.Errorf("code %d, stderr %s, stdout %s; want 1 with \"was started again\"", code, printed, stdout.String())
	}
}
