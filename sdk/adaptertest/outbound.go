package adaptertest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk/protocol/pluginpb"
)

// begun is an outbound call under way.
type begun struct {
	id     uint64
	open   bool
	result chan *pluginpb.DeliverResult
}

// begin starts an outbound call with a limit of its own.
func (x *exam) begin(call *pluginpb.DeliverCall, limit time.Duration) (*begun, error) {
	if x.prog.deliver == nil {
		return nil, fmt.Errorf("the adapter does not have the ability deliver")
	}
	b := &begun{open: call.GetOpen() != nil}
	b.id, b.result = x.prog.deliver.begin()
	call.Id, call.Timeout = b.id, durationpb.New(limit)
	return b, x.prog.deliver.put(call)
}

// end waits for the result of a call, for at most limit.
func (x *exam) end(b *begun, limit time.Duration) (*outcome, error) {
	r, err := x.prog.deliver.wait(x.ctx, b.result, limit)
	if err != nil {
		return nil, err
	}
	return x.readDelivered(b.open, r)
}

// perform plays an exchange, whatever its action is, and returns what came of it.
func (x *exam) perform(ex *exchange, limit time.Duration) (*outcome, error) {
	switch ex.action {
	case "fetch":
		return x.fetch(ex, 0)
	case "listen":
		return x.listen(ex)
	}
	call, err := x.deliverCall(ex)
	if err != nil {
		return nil, err
	}
	b, err := x.begin(call, limit)
	if err != nil {
		return nil, err
	}
	return x.end(b, limit+soon)
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
