package ingress

import (
	"context"
	"net/http"
	"strconv"

	"patchbay/core/internal/inbound"
	"patchbay/core/internal/plugin"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// errorKilled is the kind of the dead letter of a webhook on which its adapter broke.
const errorKilled = "killed_adapter"

// keepWebhook stores a webhook on which the adapter broke repeatedly, unless it is stored already. It refuses the
// webhook, because it was not translated and a repetition does not help.
func (h *Handler) keepWebhook(ctx context.Context, ep *Endpoint, path string, body []byte, given *plugin.GivenUpError,
) *refusal {
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	err := given.Keep.Do(func() error {
		in, err := unparsedWebhook(ep.Channels[0], given.Redact(path), given.Redact(string(body)), len(body))
		if err != nil {
			return err
		}
		return h.Writer.Keep(ctx, in, errorKilled, "the adapter broke on the webhook repeatedly: "+given.Text)
	})
	if err != nil {
		return notAccepted(err)
	}
	return &refusal{
		status: http.StatusUnprocessableEntity, reason: errorKilled, text: "the message cannot be processed",
		detail: given.Error(),
	}
}

// unparsedWebhook returns an envelope with the beginning of a redacted body, which had size bytes. It has no header and
// no query, which can contain credentials.
func unparsedWebhook(channel, path, body string, size int) (*inbound.Envelope, error) {
	e := &envelope.Envelope{
		Channel: channel, Thread: "webhook", Kind: envelope.KindUnparsed, Sender: envelope.Sender{Role: envelope.RoleSystem},
		Attributes: map[string]string{"path": path}, Raw: []byte(body[:min(len(body), envelope.MaxRawBytes)]),
	}
	if len(e.Raw) < len(body) {
		e.Attributes["raw_bytes"] = strconv.Itoa(size)
	}
	b, err := protocol.EncodeEnvelope(e)
	return &inbound.Envelope{Channel: channel, Envelope: e, Bytes: b}, err
}
