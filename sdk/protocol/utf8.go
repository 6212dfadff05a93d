package protocol

import (
	"errors"
	"unicode/utf8"

	"patchbay/sdk/protocol/pluginpb"
)

// Generated code does not check strings. Those of an adapter are checked here, because protobuf, and therefore adapters
// in other languages, accept only UTF-8.

var errNotUTF8 = errors.New("a string is not valid UTF-8")

func validUTF8(texts ...string) bool {
	for _, s := range texts {
		if !utf8.ValidString(s) {
			return false
		}
	}
	return true
}

func validMap(m map[string]string) bool {
	for k, v := range m {
		if !validUTF8(k, v) {
			return false
		}
	}
	return true
}

func validEnvelope(e *pluginpb.Envelope) bool {
	s := e.GetSender()
	if !validUTF8(e.GetId(), e.GetChannel(), e.GetVendorId(), e.GetThread(), e.GetConversation(), e.GetKind(), e.GetCause(),
		s.GetRole(), s.GetId(), s.GetName()) || !validUTF8(e.GetRefersTo()...) || !validMap(e.GetAttributes()) {
		return false
	}
	for _, p := range e.GetParts() {
		if !validUTF8(p.GetType(), p.GetText(), p.GetUrl(), p.GetRef(), p.GetContentType(), p.GetName()) ||
			!validUTF8(p.GetItems()...) || !validMap(p.GetAttributes()) {
			return false
		}
	}
	return true
}

func validResponse(r *pluginpb.HttpResponse) bool {
	for _, h := range r.GetHeader() {
		if !validUTF8(h.GetName(), h.GetValue()) {
			return false
		}
	}
	return validUTF8(r.GetContentType())
}

func validError(e *pluginpb.Error) bool {
	return validUTF8(e.GetKind(), e.GetText(), e.GetCode(), e.GetScope(), e.GetReason(), e.GetField(), e.GetOp())
}
