package media

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// Errors of Store.Get and Item.Open. Other errors are *TooLargeError, *TypeError, errors of the context, and the errors
// of the source, which errors.As finds as *sdk.Error. [IsPermanent] reports which errors exclude a retry.
var (
	// ErrGone means that the vendor no longer has the medium. From Item.Open it means that the item has expired or was
	// evicted; Get can fetch it again.
	ErrGone = errors.New("the medium is gone")
	// ErrNoRoom means that media in use fill the cache, or that less than Options.FreeLow would stay free on the disk.
	ErrNoRoom = errors.New("no room for the medium")
	// ErrClosed means that the store has stopped.
	ErrClosed = errors.New("the media store is closed")
)

// TooLargeError means that a medium exceeds a size limit.
type TooLargeError struct {
	Size  int64 // in bytes; for an interrupted fetch the claimed size or the size received so far
	Limit int64
}

// Error returns the size and the limit.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the medium has at least %d bytes, the limit is %d", e.Size, e.Limit)
}

// TypeError means that the type of a medium does not match its part, or that the target channel rejects the type.
type TypeError struct {
	Part     envelope.PartType
	Declared string   // media type from the vendor, "" if none
	Found    string   // media type of the bytes
	Accepted []string // Limit.Types, if they exclude the type
}

// Error returns the declared, found and accepted types.
func (e *TypeError) Error() string {
	if len(e.Accepted) > 0 {
		return fmt.Sprintf("the medium is %s, the channel accepts %s", e.Found, strings.Join(e.Accepted, ", "))
	}
	if e.Declared == "" || e.Declared == e.Found {
		return fmt.Sprintf("the medium is %s, which does not match the part type %s", e.Found, e.Part)
	}
	return fmt.Sprintf("the medium is declared as %s and is %s, which does not match the part type %s",
		e.Declared, e.Found, e.Part)
}

// IsPermanent reports whether Get will fail with the same error again, so that a message must go without the medium.
func IsPermanent(err error) bool {
	if isPermanentKind(err) {
		return true
	}
	if _, large := errors.AsType[*TooLargeError](err); large {
		return true
	}
	_, wrong := errors.AsType[*TypeError](err)
	return wrong
}

// isPermanentKind reports whether an error of the source is permanent; see sdk.Fetcher.
func isPermanentKind(err error) bool {
	e, ok := errors.AsType[*sdk.Error](err)
	permanent := []sdk.ErrorKind{sdk.KindGone, sdk.KindInvalid, sdk.KindUnsupported, sdk.KindPermanent}
	return ok && slices.Contains(permanent, e.Kind)
}
