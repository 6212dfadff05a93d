package sdk

import (
	"bytes"
	"context"
	"io"

	"patchbay/sdk/envelope"
)

// Limits of media.
const (
	// MaxMediaBytes is the maximum size of a medium. A channel may have a lower limit.
	MaxMediaBytes = 20 << 20
	// MaxMediaResponseBytes limits the responses that Host.Media reads. A medium of MaxMediaBytes in base64 fits.
	MaxMediaResponseBytes = 28 << 20
	// MaxDeliveryMediaBytes limits the total size of Delivery.Media. The gateway sends the media of a larger message as
	// text.
	MaxDeliveryMediaBytes = 40 << 20
)

// Fetcher is implemented by adapters whose vendor's media need credentials.
type Fetcher interface {
	// Fetch opens the medium that a part of one of the adapter's envelopes names by Ref. The gateway reads it once,
	// closes it, and keeps the content for a while. Fetch is not called for parts with a URL, which the SDK reads. Call
	// the vendor with Host.Media, because Host.HTTP has a lower limit.
	//
	// Errors are those of Deliver. After KindGone, KindInvalid, KindUnsupported and KindPermanent, the gateway sends
	// text instead of the medium. After other errors, it retries. If Fetch does not return within three seconds after ctx
	// ends, the gateway replaces the process.
	Fetch(ctx context.Context, f *FetchRequest) (*Medium, error)
}

// FetchRequest asks for a medium.
type FetchRequest struct {
	Channel string
	Thread  string // of the envelope that has the part
	// State is the state of the thread if the thread still belongs to the conversation. Fetch cannot change it.
	State []byte
	Part  envelope.Part
}

// Medium is an image, audio, video or file that can be read once. The receiver closes Body.
type Medium struct {
	ContentType string // "" if unknown
	Name        string // file name, "" if unknown
	Size        int64  // bytes, 0 if unknown
	Body        io.ReadCloser
}

// Attachment is a medium of a delivery. It is in memory and can be read repeatedly.
type Attachment struct {
	ContentType string
	Name        string
	data        []byte
}

// NewAttachment returns an attachment with data, which must not be changed afterwards. It is for tests of adapters; the
// gateway provides the attachments of a delivery.
func NewAttachment(contentType, name string, data []byte) *Attachment {
	return &Attachment{ContentType: contentType, Name: name, data: data}
}

// Size returns the number of bytes.
func (a *Attachment) Size() int64 { return int64(len(a.data)) }

// Reader returns a reader of the content.
func (a *Attachment) Reader() *bytes.Reader { return bytes.NewReader(a.data) }
