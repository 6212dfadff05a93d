package sdk

import (
	"bytes"
	"context"
	"io"

	"patchbay/sdk/envelope"
)

// Limits of media.
const (
	// MaxMediaBytes is the most that a medium may have where nobody says less.
	MaxMediaBytes = 20 << 20
	// MaxDeliveryMediaBytes is the most that Delivery.Media has together; the gateway puts a message with more into words.
	MaxDeliveryMediaBytes = 40 << 20
)

// Fetcher is for vendors whose media are behind credentials.
type Fetcher interface {
	// Fetch opens the medium that a part of one of the adapter's own envelopes names by Ref. The gateway reads it once,
	// keeps it for a while, and closes it. Parts that have a URL are read by the SDK, with the channel's client: Fetch
	// is not asked for them.
	//
	// Errors are those of Deliver. After KindGone, KindInvalid, KindUnsupported and KindPermanent the medium is put
	// into words; after others Fetch is asked again.
	Fetch(ctx context.Context, f *Fetching) (*Medium, error)
}

// Fetching asks for a medium.
type Fetching struct {
	Channel string
	Thread  string // of the envelope that has the part
	// State is the thread's, if the thread is still the conversation's. A new one can't be returned.
	State []byte
	Part  envelope.Part
}

// Medium is an image, audio, video or file that can be read once. Whoever gets it closes Body.
type Medium struct {
	ContentType string // "" if unknown
	Name        string // file name, "" if unknown
	Size        int64  // bytes; 0 if unknown
	Body        io.ReadCloser
}

// Attachment is a medium that comes with a delivery. Its bytes are in memory, and may be read any number of times.
type Attachment struct {
	ContentType string
	Name        string
	data        []byte
}

// NewAttachment returns an attachment of these bytes, which must not be changed afterwards. It is for tests of adapters;
// the gateway's come with the delivery.
func NewAttachment(contentType, name string, data []byte) *Attachment {
	return &Attachment{ContentType: contentType, Name: name, data: data}
}

// Size is in bytes.
func (a *Attachment) Size() int64 { return int64(len(a.data)) }

// Reader reads the bytes from the start.
func (a *Attachment) Reader() *bytes.Reader { return bytes.NewReader(a.data) }
