package serve

import (
	"context"
	"os"
	"strconv"
	"time"

	"patchbay/sdk/protocol"
)

// parentInterval is the time between checks of the parent process.
const parentInterval = time.Second

// watchParent returns when the gateway is no longer the parent process, or when ctx ends. An adapter thus does not
// outlive its gateway. On Linux, the kernel also kills the adapter.
func watchParent(ctx context.Context) {
	parent := os.Getppid()
	if p, err := strconv.Atoi(os.Getenv(protocol.ParentEnv)); err == nil {
		parent = p
	}
	t := time.NewTicker(parentInterval)
	defer t.Stop()
	for os.Getppid() == parent {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}
