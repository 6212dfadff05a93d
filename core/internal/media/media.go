// Package media caches the images, audio, video and files that messages refer to. It fetches each medium once through
// the adapter of the channel that received it, and checks size and type. It keeps the medium on disk until it expires,
// and provides it as a stream or as a signed link on the public listener.
//
// Lost or damaged media are fetched again. Complete media and the key that signs links are synced to disk. Checksums
// detect files that were changed later.
package media

import (
	"context"
	"log/slog"
	"time"

	"patchbay/sdk/envelope"
)

// Source fetches media from vendors.
type Source interface {
	// Fetch calls info at most once and before the first chunk, and then chunk for each piece in order. It must not
	// change a piece until chunk returns. Fetch returns the first error of info or chunk, unchanged or wrapped, and
	// returns soon after ctx ends.
	Fetch(ctx context.Context, req Request, info func(Info) error, chunk func([]byte) error) error
}

// Request identifies a medium.
type Request struct {
	Channel string // that received the medium
	Thread  string // of the envelope
	State   []byte // of the thread, if known
	Part    envelope.Part
	// MaxBytes is the size limit. Get sets it.
	MaxBytes int64
}

// Info describes a medium. A Source passes the vendor's claims, which are not trusted; an Item has the detected values.
type Info struct {
	ContentType string // media type without parameters; "" if unknown
	Name        string // file name; "" if unknown
	Size        int64  // in bytes; 0 if unknown
}

// Limit describes the media that the target channel accepts.
type Limit struct {
	Bytes int64    // size limit; 0 means the store's limit
	Types []string // media types such as "image/png" or "image/*"; empty means any
}

// Options configure a Store.
type Options struct {
	Dir        string        // Open creates it; the caller holds the lock on its parent folder
	MaxBytes   int64         // size limit of one medium; 0 means sdk.MaxMediaBytes
	TotalBytes int64         // size limit of all files, counted in blocks; 0 means 1 GiB
	FreeLow    int64         // free disk space that media never use, in bytes; 0 means a tenth of the disk, at most 1 GiB
	Keep       time.Duration // time until a fetched medium expires; 0 means 24 h
	BaseURL    string        // public URL of Handler without a trailing slash
	Source     Source
	Logger     *slog.Logger
	Observer   Observer         // optional
	Now        func() time.Time // default time.Now
}
