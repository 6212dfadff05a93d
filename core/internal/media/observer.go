package media

import (
	"context"
	"errors"

	"patchbay/sdk/envelope"
)

// Results of a fetch, as passed to an Observer.
const (
	ResultOK        = "ok"
	ResultTooLarge  = "too_large"  // more than Options.MaxBytes
	ResultWrongType = "wrong_type" // cached, but the type does not match the part
	ResultRefused   = "refused"    // permanent error of the source
	ResultNoRoom    = "no_room"
	ResultAbandoned = "abandoned" // the contexts of all callers of Get ended
	ResultFailed    = "failed"    // temporary error
)

// Results lists all results.
var Results = []string{
	ResultOK, ResultTooLarge, ResultWrongType, ResultRefused, ResultNoRoom, ResultAbandoned, ResultFailed,
}

// Observer counts events. Its methods are called concurrently and must return quickly.
type Observer interface {
	// Fetched counts a finished fetch.
	Fetched(channel, result string)
	// Served counts a request for a link by the HTTP status of its response.
	Served(status int)
	// Stored receives the size and number of the cached media after each change.
	Stored(bytes int64, items int)
}

// noObserver ignores all events.
type noObserver struct{}

func (noObserver) Fetched(string, string) {}
func (noObserver) Served(int)             {}
func (noObserver) Stored(int64, int)      {}

// fetchResult returns the result for an Observer.
func fetchResult(ctx context.Context, part envelope.PartType, i *Item, err error) string {
	if err == nil {
		if !matchesPart(part, i.ContentType) {
			return ResultWrongType
		}
		return ResultOK
	}
	_, large := errors.AsType[*TooLargeError](err)
	switch {
	case large:
		return ResultTooLarge
	case isPermanentKind(err):
		return ResultRefused
	case errors.Is(err, ErrNoRoom):
		return ResultNoRoom
	case ctx.Err() != nil:
		return ResultAbandoned
	}
	return ResultFailed
}
