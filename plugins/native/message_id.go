package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// maxHops is the maximum of the hops header. Gateways stop a message long before.
const maxHops = 9999

// messageID returns the caller's id of the message, or "". messageId in the body has priority over the header, because
// it is part of the message and proxies keep it.
func messageID(m *inboundMessage, header http.Header) (string, *webhook.Fault) {
	id, f := webhook.TextJSON(m.MessageID, "messageId")
	if f != nil {
		return "", f
	}
	if id != "" {
		return id, webhook.CheckID("messageId", id, envelope.MaxIDBytes)
	}
	return idempotencyKey(header)
}

// idempotencyKey returns the value of the header, or "".
func idempotencyKey(header http.Header) (string, *webhook.Fault) {
	keys := header.Values(idempotencyHeader)
	if len(keys) == 0 || (len(keys) == 1 && keys[0] == "") {
		return "", nil
	}
	if len(keys) > 1 {
		return "", webhook.NewFault(idempotencyHeader, "given more than once")
	}
	if !utf8.ValidString(keys[0]) {
		return "", webhook.NewFault(idempotencyHeader, "is not valid UTF-8")
	}
	return keys[0], webhook.CheckID(idempotencyHeader, keys[0], envelope.MaxIDBytes)
}

// parseHops returns the number of gateways that a message went through, 0 without the header.
func parseHops(header http.Header) (int, *webhook.Fault) {
	values := header.Values(hopsHeader)
	if len(values) == 0 {
		return 0, nil
	}
	n, err := strconv.ParseUint(values[0], 10, 16)
	if len(values) > 1 || err != nil || n > maxHops {
		return 0, webhook.NewFault(hopsHeader, fmt.Sprintf("must be one whole number from 0 to %d", maxHops))
	}
	return int(n), nil
}

// answerID returns the id by which repeats of a reply are recognized: its messageId, the signed id, Idempotency-Key, or
// "". For signed calls it ignores Idempotency-Key, which is not signed: an attacker could replay a call with another
// key.
//
// A reply from a Patchbay also has the vendor's id of the message, which a read event must contain. The result is then
// the messageId, a space and the vendor's id. vendorIDs extracts the vendor's id.
func (ch *channel) answerID(body *answerBody, header http.Header, signedID string) string {
	id := scalar(body.MessageID)
	if id == "" {
		if signedID != "" {
			return signedID
		}
		key, f := idempotencyKey(header)
		if f != nil {
			return ""
		}
		return key
	}
	if vendor := scalar(body.VendorMessageID); ch.FarEnd == farPatchbay && vendor != "" && !strings.Contains(id, " ") &&
		len(id)+1+len(vendor) <= envelope.MaxIDBytes {
		return id + " " + vendor
	}
	return limitID(id)
}

// scalar returns a string, or a number as written, or "".
func scalar(v jsontext.Value) string {
	s, _ := webhook.ScalarJSON(v, "")
	return s
}

// parseSentAt returns the time of a message or reply, or zero.
func parseSentAt(v jsontext.Value) time.Time {
	at, err := time.Parse(time.RFC3339Nano, scalar(v))
	if err != nil || at.Year() < 1970 {
		return time.Time{}
	}
	return at.UTC()
}

// limitID returns an id that fits into an envelope. A longer id is replaced by its hash, because cutting could make two
// ids equal.
func limitID(id string) string {
	if len(id) <= envelope.MaxIDBytes {
		return id
	}
	return envelope.ShortID(id)
}
