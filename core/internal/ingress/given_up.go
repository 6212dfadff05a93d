package ingress

import (
	"context"
	"net/http"
	"strconv"

	"patchbay/core/internal/inbound"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/writer"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// errorKilled is the kind of the dead letter of a webhook on which its adapter broke.
const errorKilled = "killed_adapter"

// keepWebhook stores a webhook on which the adapter broke repeatedly, once, and refuses it: it was not translated, and
// a repetition does not help.
func (h *Handler) keepWebhook(ctx context.Context, ep *Endpoint, path string, body []byte, given *plugin.GivenUpError,
) *refusal {
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	err := given.Keep.Do(func() error {
		in, err := unparsedWebhook(ep.Channels[0], path, body)
		if err != nil {
			return err
		}
		return h.Writer.Keep(ctx, in, errorKilled, "the adapter broke on the webhook repeatedly: "+given.Text)
	})
	if err != nil {
		return storeUnavailable(err)
	}
	return &refusal{
		status: http.StatusUnprocessableEntity, reason: errorKilled, text: "the message cannot be processed",
		detail: given.Error(),
	}
}

// unparsedWebhook returns an envelope with the body of a webhook: the whole body, if it fits into a record, else its
// beginning. It has no header and no query, which can contain credentials.
func unparsedWebhook(channel, path string, body []byte) (*inbound.Envelope, error) {
	e := &envelope.Envelope{
		Channel: channel, Thread: "webhook", Kind: envelope.KindUnparsed, Sender: envelope.Sender{Role: envelope.RoleSystem},
		Attributes: map[string]string{"path": path}, Raw: body,
	}
	in, err := encoded(e)
	if err != nil || writer.Fits(in) {
		return in, err
	}
	e.Raw, e.Attributes["raw_bytes"] = body[:envelope.MaxRawBytes], strconv.Itoa(len(body))
	return encoded(e)
}

func encoded(e *envelope.Envelope) (*inbound.Envelope, error) {
	b, err := protocol.EncodeEnvelope(e)
	return &inbound.Envelope{Channel: e.Channel, Envelope: e, Bytes: b}, err
}
