package adaptertest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"patchbay/sdk/webhook"
)

// signing says how calls of the vendor are signed: by Standard Webhooks, or by an HMAC-SHA256 of the body alone in a header.
type signing struct {
	Scheme string `yaml:"scheme"`
	Secret string `yaml:"secret"`
	// Header has the HMAC, behind Prefix, in hexadecimal digits or in base64.
	Header   string `yaml:"header"`
	Prefix   string `yaml:"prefix"`
	Encoding string `yaml:"encoding"`

	keys []webhook.SigningKey
}

const (
	schemeStandard = "standard-webhooks"
	schemeHMAC     = "hmac-sha256"
)

// prepare reads the secret.
func (s *signing) prepare() error {
	if s == nil {
		return nil
	}
	switch s.Scheme {
	case schemeStandard:
	case schemeHMAC:
		return s.prepareHMAC()
	default:
		return fmt.Errorf("sign: scheme %q is unknown; write %s or %s", s.Scheme, schemeStandard, schemeHMAC)
	}
	if s.Header != "" || s.Prefix != "" || s.Encoding != "" {
		return fmt.Errorf("sign: %s has headers of its own; leave out header, prefix and encoding", schemeStandard)
	}
	var err error
	if s.keys, err = webhook.ParseSigningKeys(s.Secret); err == nil && len(s.keys) == 0 {
		err = fmt.Errorf("the secret is empty")
	}
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	return nil
}

func (s *signing) prepareHMAC() error {
	switch {
	case s.Secret == "":
		return fmt.Errorf("sign: the secret is empty")
	case s.Header == "":
		return fmt.Errorf("sign: header is missing; name the one that has the signature")
	case s.Encoding != "" && s.Encoding != "hex" && s.Encoding != "base64":
		return fmt.Errorf("sign: encoding %q is unknown; write hex or base64", s.Encoding)
	}
	return nil
}

// hmac is what the header of a call with that body has.
func (s *signing) hmac(body []byte) string {
	mac := hmac.New(sha256.New, []byte(s.Secret))
	mac.Write(body)
	if s.Encoding == "base64" {
		return s.Prefix + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return s.Prefix + hex.EncodeToString(mac.Sum(nil))
}

// signed returns a copy of a call with its signature, made at that time; the call itself if calls are not signed, or this one
// is. The id of an example is its own, or made from its name.
func (s *signing) signed(in *inbound, at time.Time) *inbound {
	if s == nil || in.signed {
		return in
	}
	if s.Scheme == schemeHMAC {
		out := in.withHeader(s.Header, s.hmac(in.body))
		out.signed = true
		return out
	}
	id := httpHeader(in.header).Get(webhook.HeaderID)
	h := http.Header{}
	if err := webhook.Sign(h, orElse(id, "msg_"+in.name), at, in.body, s.keys); err != nil {
		return in // the name has a full stop; the call is refused then
	}
	out := in
	for _, name := range []string{webhook.HeaderID, webhook.HeaderTimestamp, webhook.HeaderSignature} {
		out = out.withHeader(name, h.Get(name))
	}
	out.signed = true
	return out
}

// forged are the calls whose signature is good, for something else.
func (s *signing) forged(in *inbound) []forgery {
	if s == nil {
		return nil
	}
	now := s.signed(in, time.Now())
	body := forgery{group: "altered", what: "the body altered after it was signed", call: now.with(append(bytes.Clone(in.body), ' '))}
	if s.Scheme == schemeHMAC {
		other := *s
		other.Secret += "x"
		return []forgery{body, {group: "altered", what: "a signature by another secret",
			call: now.withHeader(s.Header, other.hmac(in.body))}}
	}
	plain := *in
	plain.signed = false
	return []forgery{
		body,
		{group: "altered", what: "a signature of yesterday", call: s.signed(&plain, time.Now().Add(-24*time.Hour))},
		{group: "altered", what: "a signature of tomorrow", call: s.signed(&plain, time.Now().Add(24*time.Hour))},
		{group: "altered", what: "the time altered after it was signed",
			call: now.withHeader(webhook.HeaderTimestamp, fmt.Sprint(time.Now().Add(-time.Second).Unix()))},
		{group: "altered", what: "the id altered after it was signed", call: now.withHeader(webhook.HeaderID, "msg_other")},
	}
}
