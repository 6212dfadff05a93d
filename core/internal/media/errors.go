package media

import (
	"errors"
	"fmt"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// Errors of Get and Item.Open beside *TooLargeError, *TypeError, those of the context, and what the source says, which
// is found by errors.As as *sdk.Error. Only after ErrNoRoom, ErrClosed and errors of the source that pass is it of
// use to ask again; Lasting tells.
var (
	// ErrGone means that the vendor has the medium no more; from Item.Open, that the item has expired or had to make
	// room, and Get may bring it again.
	ErrGone = errors.New("the medium is gone")
	// ErrNoRoom means that the media that are being read or written take all the room that there is, or that the disk
	// is full, but for what is left to others.
	ErrNoRoom = errors.New("no room for the medium")
	// ErrClosed means that the store has ended.
	ErrClosed = errors.New("the media store has ended")
)

// TooLargeError means that a medium has more bytes than may be.
type TooLargeError struct {
	Size  int64 // bytes; if the medium was not read to its end, what the vendor claims or what had been read
	Limit int64
}

// Error says both numbers.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the medium has at least %d bytes, at most %d are taken", e.Size, e.Limit)
}

// TypeError means that a medium's bytes are not what its part says, or that who it is for does not take their type.
type TypeError struct {
	Part     envelope.PartType
	Declared string   // media type that the vendor gave, "" if none
	Found    string   // media type that the bytes have
	Taken    []string // what Limit allows, if that is the reason; else none
}

// Error says what was declared, what was found, and what would be taken.
func (e *TypeError) Error() string {
	if len(e.Taken) > 0 {
		return fmt.Sprintf("the medium is %s, taken are %s", e.Found, strings.Join(e.Taken, ", "))
	}
	if e.Declared == "" || e.Declared == e.Found {
		return fmt.Sprintf("the medium is %s, which is no %s", e.Found, e.Part)
	}
	return fmt.Sprintf("the medium is declared as %s and is %s, which is no %s", e.Declared, e.Found, e.Part)
}

// Lasting reports whether an error of Get will be the same next time, so that the medium is to be put into words.
func Lasting(err error) bool {
	if lastingKind(err) {
		return true
	}
	if _, large := errors.AsType[*TooLargeError](err); large {
		return true
	}
	_, wrong := errors.AsType[*TypeError](err)
	return wrong
}

// lastingKind reports whether a source has refused for good; see sdk.Fetcher.
func lastingKind(err error) bool {
	e, ok := errors.AsType[*sdk.Error](err)
	return ok && (e.Kind == sdk.KindGone || e.Kind == sdk.KindInvalid || e.Kind == sdk.KindUnsupported || e.Kind == sdk.KindPermanent)
}
