// Package media keeps the images, audio, video and files that messages name by reference. Each is read once at its
// vendor, with the credentials of the adapter that named it, checked, kept on disk until it expires, and given to
// whoever it is for: as a stream, or as a signed link on the public listener.
//
// It is a cache: what is lost or damaged is read again. Nothing in it is synced but the key that signs links; checksums tell
// what a power cut, or somebody, has changed.
package media

import (
	"context"
	"log/slog"
	"time"

	"patchbay/sdk/envelope"
)

// Source reads a medium at its vendor; see plugin.Host.Fetch.
type Source interface {
	// Fetch calls info at most once and before the first chunk, then chunk for each piece in order. It returns the
	// first error of either as it is, or wrapped. A chunk is the callee's only until chunk returns. It must return soon
	// after ctx ends.
	Fetch(ctx context.Context, req Request, info func(Info) error, chunk func([]byte) error) error
}

// Request says what to read.
type Request struct {
	Channel string // that the medium came in on
	Adapter string
	Thread  string // of the envelope
	State   []byte // of the thread, if it is still known
	Part    envelope.Part
	// MaxBytes is the most that will be taken. Get fills it in.
	MaxBytes int64
}

// Info is what is known of a medium. From a Source it is what the vendor claims, and nothing relies on it; of an Item
// it is what was found.
type Info struct {
	ContentType string // media type without parameters; of a Source "" if unknown
	Name        string // file name; of a Source "" if unknown
	Size        int64  // bytes; of a Source 0 if unknown
}

// Limit is what the channel takes that a medium is for.
type Limit struct {
	Bytes int64    // at most; 0 is no limit but the store's own
	Types []string // media types, "image/png" or "image/*"; empty is any
}

// Options are what a Store needs.
type Options struct {
	Dir        string // is made; whoever opens the store holds the lock on the folder above it
	MaxBytes   int64  // of one medium; 0 is sdk.MaxMediaBytes
	TotalBytes int64  // of all, in whole blocks with what is written beside them; 0 is 1 GiB
	FreeLow    int64  // free bytes of the disk that are left to others; 0 is a tenth of it, at most 1 GiB
	Keep       time.Duration
	BaseURL    string // under which the outside reaches Handler: scheme, host, perhaps a path; no slash at the end
	Source     Source
	Logger     *slog.Logger
	Observer   Observer         // nil counts nothing
	Now        func() time.Time // nil is time.Now
}
