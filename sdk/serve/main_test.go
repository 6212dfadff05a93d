package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
	"patchbay/sdk/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLoggerWritesJSONAboveItsLevel(t *testing.T) {
	var out bytes.Buffer
	l := newLogger(&out, "warn")
	l.Info("quiet")
	l.Warn("loud", "n", 1)
	var rec map[string]any
	if err := json.Unmarshal(out.Bytes(), &rec); err != nil || rec["msg"] != "loud" || rec["level"] != "WARN" {
		t.Errorf("%s, %v", out.String(), err)
	}
}

func TestWatchParentReturnsAtAnotherParent(t *testing.T) {
	t.Setenv(protocol.ParentEnv, fmt.Sprint(os.Getppid()))
	ctx, cancel := context.WithCancel(t.Context())
	returned := make(chan struct{})
	go func() { defer close(returned); watchParent(ctx) }()
	select {
	case <-returned:
		t.Error("watchParent returned although the parent is the same")
	case <-time.After(10 * time.Millisecond):
	}
	cancel()
	<-returned
	t.Setenv(protocol.ParentEnv, "1999999999")
	watchParent(t.Context())
}
