package media

import (
	"context"
	"errors"

	"patchbay/sdk/envelope"
)

// Results of reading a medium, as Observer counts them.
const (
	ResultOK        = "ok"
	ResultTooLarge  = "too_large"  // more than Options.MaxBytes
	ResultWrongType = "wrong_type" // read and kept, but not what the part says that it is
	ResultRefused   = "refused"    // by the source, for good
	ResultNoRoom    = "no_room"
	ResultAbandoned = "abandoned" // nobody waited for it any more
	ResultFailed    = "failed"    // for now
)

// Results lists them all.
var Results = []string{
	ResultOK, ResultTooLarge, ResultWrongType, ResultRefused, ResultNoRoom, ResultAbandoned, ResultFailed,
}

// Observer counts. Its methods are called concurrently and must be quick.
type Observer interface {
	// Fetched is called once for each time that a medium was read, or tried to.
	Fetched(channel, result string)
	// Served is called for each request for a link, with the HTTP status of the answer.
	Served(status int)
	// Stored tells how much is on disk, after it has changed.
	Stored(bytes int64, items int)
}

// nobody observes nothing.
type nobody struct{}

func (nobody) Fetched(string, string) {}
func (nobody) Served(int)             {}
func (nobody) Stored(int64, int)      {}

// result is what a flight's outcome is counted as.
func result(ctx context.Context, part envelope.PartType, i *Item, err error) string {
	if err == nil {
		if !agrees(part, i.ContentType) {
			return ResultWrongType
		}
		return ResultOK
	}
	_, large := errors.AsType[*TooLargeError](err)
	switch {
	case large:
		return ResultTooLarge
	case lastingKind(err):
		return ResultRefused
	case errors.Is(err, ErrNoRoom):
		return ResultNoRoom
	case ctx.Err() != nil:
		return ResultAbandoned
	}
	return ResultFailed
}
