package adaptertest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"patchbay/sdk/webhook"
)

// signing says how calls of the vendor are signed: by one of two schemes that many vendors use, or by a program.
type signing struct {
	Scheme string `yaml:"scheme"`
	Secret string `yaml:"secret"`
	// Header has the HMAC, behind Prefix, in hexadecimal digits or in base64.
	Header   string `yaml:"header"`
	Prefix   string `yaml:"prefix"`
	Encoding string `yaml:"encoding"`
	// Command is the program with its arguments, instead of all these; see signerProgram.
	Command []string `yaml:"command"`
	// Window is how far a signature's time may be from now; 0 means that nobody says.
	Window time.Duration `yaml:"window"`

	keys []webhook.SigningKey
}

const (
	schemeStandard = "standard-webhooks"
	schemeHMAC     = "hmac-sha256"
)

// leastWindow leaves room for what is tried at the borders of a window.
const leastWindow = 4 * windowMargin

// prepare checks what exam.yaml says and reads the secret.
func (s *signing) prepare() error {
	if s == nil {
		return nil
	}
	if s.Window != 0 && s.Window < leastWindow {
		return fmt.Errorf("sign: window %s is too short to be tried; write at least %s, or leave it out", s.Window, leastWindow)
	}
	if len(s.Command) > 0 {
		if s.Scheme+s.Secret+s.Header+s.Prefix+s.Encoding != "" {
			return fmt.Errorf("sign: the command alone says how; leave out scheme, secret, header, prefix and encoding")
		}
		return nil
	}
	switch s.Scheme {
	case schemeStandard:
	case schemeHMAC:
		return s.prepareHMAC()
	default:
		return fmt.Errorf("sign: scheme %q is unknown; write %s or %s, or a command that signs", s.Scheme, schemeStandard, schemeHMAC)
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

// proof is what a signer adds to a call.
type proof struct {
	Header map[string]string `json:"header"`
	Query  map[string]string `json:"query"`
}

// signer makes the proof of a call that is made at a time: the same for the same call and time.
type signer interface {
	prove(ctx context.Context, in *inbound, at time.Time) (*proof, error)
	close()
}

// newSigner returns the signer of a channel, nil if calls are not signed. The caller closes it.
func newSigner(d *channelData) (signer, error) {
	switch {
	case d.Sign == nil:
		return nil, nil
	case len(d.Sign.Command) > 0:
		return startSigner(d)
	}
	return d.Sign, nil
}

func (s *signing) close() {}

// prove implements signer for the schemes. The id of an example is its own, or made from its name.
func (s *signing) prove(_ context.Context, in *inbound, at time.Time) (*proof, error) {
	if s.Scheme == schemeHMAC {
		return &proof{Header: map[string]string{s.Header: s.hmac(in.body)}}, nil
	}
	id := httpHeader(in.header).Get(webhook.HeaderID)
	h := http.Header{}
	if err := webhook.Sign(h, orElse(id, "msg_"+in.name), at, in.body, s.keys); err != nil {
		return nil, fmt.Errorf("sign in/%s.http: %w", in.name, err)
	}
	p := &proof{Header: map[string]string{}}
	for _, name := range []string{webhook.HeaderID, webhook.HeaderTimestamp, webhook.HeaderSignature} {
		p.Header[name] = h.Get(name)
	}
	return p, nil
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

// equal reports whether two proofs are the same.
func (p *proof) equal(q *proof) bool {
	return maps.Equal(p.Header, q.Header) && maps.Equal(p.Query, q.Query)
}

// of returns a copy of a call with a proof, which is not signed again.
func (p *proof) of(in *inbound) *inbound {
	out := *in
	out.signed = true
	for _, name := range slices.Sorted(maps.Keys(p.Header)) {
		out = *out.withHeader(name, p.Header[name])
	}
	for _, name := range slices.Sorted(maps.Keys(p.Query)) {
		out = *out.withParameter(name, p.Query[name])
	}
	return &out
}

// credentials are where a proof is, in the order of their names.
func (p *proof) credentials() []credential {
	var out []credential
	for _, name := range slices.Sorted(maps.Keys(p.Header)) {
		out = append(out, credential{Header: name})
	}
	for _, name := range slices.Sorted(maps.Keys(p.Query)) {
		out = append(out, credential{Query: name})
	}
	return out
}

// signed returns a call as the vendor makes it now: with its signature, or as it is if calls are not signed or this one is.
func (x *exam) signed(in *inbound) (*inbound, error) {
	in = in.with([]byte(strings.ReplaceAll(string(in.body), vendorMark, x.vendor.base)))
	if x.signer == nil || in.signed {
		return in, nil
	}
	p, err := x.prove(in, time.Now())
	if err != nil {
		return nil, err
	}
	return p.of(in), nil
}

// prove returns the proof of a call. An error is not the adapter's, and ends the exam.
func (x *exam) prove(in *inbound, at time.Time) (*proof, error) {
	plain := in.with(in.body)
	plain.target = strings.ReplaceAll(in.target, vendorMark, x.vendor.base)
	if x.data.Prefix != "" {
		plain.target = x.data.Prefix + plain.target // as the vendor calls it
	}
	p, err := x.signer.prove(x.ctx, plain, at)
	if err != nil && x.unsigned == nil {
		x.unsigned = err
	}
	return p, err
}

// checkSigner signs each example, the first one twice.
func (x *exam) checkSigner() error {
	if x.signer == nil {
		return nil
	}
	at := time.Now()
	for i, in := range x.data.in {
		p, err := x.prove(in, at)
		if err != nil {
			return err
		}
		if len(p.Header)+len(p.Query) == 0 {
			return fmt.Errorf("sign in/%s.http: the answer has neither header nor query", in.name)
		}
		if i > 0 {
			continue
		}
		again, err := x.prove(in, at)
		if err != nil {
			return err
		}
		if !again.equal(p) {
			return fmt.Errorf("sign in/%s.http: the same call at the same time is signed in two ways, so that the exam can't tell what "+
				"a signature is for: make a nonce from what is signed", in.name)
		}
	}
	return nil
}
