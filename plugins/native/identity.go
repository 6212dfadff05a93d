package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// maxHops is the highest believable number in the hops header; gateways give up long before.
const maxHops = 9999

// identifier checks a required id.
func identifier(field, id string) *webhook.Fault {
	switch {
	case id == "":
		return webhook.NewFault(field, "missing")
	case len(id) > envelope.MaxIDBytes:
		return webhook.NewFault(field, fmt.Sprintf("%d bytes, at most %d", len(id), envelope.MaxIDBytes))
	case strings.ContainsFunc(id, unicode.IsControl):
		return webhook.NewFault(field, "has control characters")
	}
	return nil
}

// messageID returns the caller's id of the message, "" if it gave none. The body's messageId wins over
// the header, because it is part of the message and survives proxies.
func messageID(call *callBody, header http.Header) (string, *webhook.Fault) {
	id, f := webhook.TextJSON(call.MessageID, "messageId")
	if f != nil {
		return "", f
	}
	if id != "" {
		return id, identifier("messageId", id)
	}
	return idempotencyKey(header)
}

// idempotencyKey returns the header's value, "" if there is none.
func idempotencyKey(header http.Header) (string, *webhook.Fault) {
	keys := header.Values(idempotencyHeader)
	if len(keys) == 0 || (len(keys) == 1 && keys[0] == "") {
		return "", nil
	}
	if len(keys) > 1 {
		return "", webhook.NewFault(idempotencyHeader, "given more than once")
	}
	if !utf8.ValidString(keys[0]) {
		return "", webhook.NewFault(idempotencyHeader, "not valid UTF-8")
	}
	return keys[0], identifier(idempotencyHeader, keys[0])
}

// hops returns how many gateways the message has passed, 0 if the header is absent.
func hops(header http.Header) (int, *webhook.Fault) {
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

// answerID is what repeats of an answer are recognised by: its messageId, or else an id of the call; "" if there is none. A
// header that is not signed does not count beside one that is, or a call that somebody has listened to could be presented
// again under another id.
//
// A Patchbay's answer also has the id that its own vendor gave. That one is what an event read must name over there, so
// it stands behind the messageId and a blank; messageIDs takes it out again.
func (ch *channel) answerID(body *answerBody, header http.Header, signed string) string {
	id := scalar(body.MessageID)
	if id == "" {
		if signed != "" {
			return signed
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
	return bounded(id)
}

// scalar returns a string, or a number as it is written; "" for anything else.
func scalar(v jsontext.Value) string {
	switch v.Kind() {
	case '0':
		return string(v)
	case '"':
		if s, f := webhook.TextJSON(v, ""); f == nil {
			return s
		}
	}
	return ""
}

// sentTime reads the time of an answer; zero if it has none that can be read.
func sentTime(v jsontext.Value) time.Time {
	at, err := time.Parse(time.RFC3339Nano, scalar(v))
	if err != nil || at.Year() < 1970 {
		return time.Time{}
	}
	return at.UTC()
}
