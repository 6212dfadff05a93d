package main

import (
	"net/http"
	"strconv"
	"time"

	"patchbay/sdk"
)

// creditPause is how long a channel without credits rests: somebody has to buy some.
const creditPause = 10 * time.Minute

// refusal is what one of the vendor's error codes means.
type refusal struct {
	kind    sdk.ErrorKind
	after   time.Duration
	text    string
	account bool // it is about the account, not about this call: the channel is sick
}

// codes are the error codes that the vendor's pages list, mostly under "Send message v2" and "Create
// conversation". Retrying is decided by them, since errors may come with HTTP 200.
var codes = map[int]refusal{
	20022:  {sdk.KindTransient, creditPause, "out of credits", true},
	20040:  {sdk.KindUnsupported, 0, "question is longer than the agent's token limit", false},
	20055:  {sdk.KindPermanent, 0, "the agent's API is switched off", true},
	20059:  {sdk.KindPermanent, 0, "the agent was deleted", true},
	40000:  {sdk.KindInvalid, 0, "parameters refused", false},
	40005:  {sdk.KindInvalid, 0, "page number refused", false},
	40127:  {sdk.KindUnauthorized, 0, "API key refused", true},
	40356:  {sdk.KindGone, 0, "no such conversation", false},
	40358:  {sdk.KindGone, 0, "conversation does not belong to the agent or user", false},
	40364:  {sdk.KindUnsupported, 0, "the agent's model takes no images", false},
	40378:  {sdk.KindPermanent, 0, "the agent was deleted", true},
	40379:  {sdk.KindTransient, creditPause, "out of credits", true},
	50000:  {sdk.KindTransient, 0, "internal error at the vendor", false},
	200222: {sdk.KindUnsupported, 0, "not supported by the agent's settings", false},
}

// failure returns the error of an answer with this status and code, or nil if the call was taken. A status
// of 429 or 5xx is passing trouble, whatever the code says. Of codes that are not listed, those that look like
// an HTTP status count as one, and 5xxxx as the vendor's own trouble; other codes are refusals for good.
func failure(op string, status int, header http.Header, code int) *sdk.Error {
	byStatus := sdk.FromStatus(op, status, header)
	if code == 0 || (code == http.StatusOK && byStatus == nil) {
		return byStatus
	}
	e := &sdk.Error{Kind: sdk.KindPermanent, Op: op, Status: status, Text: "unknown error code"}
	known, listed := codes[code]
	switch {
	case byStatus != nil && (byStatus.Kind == sdk.KindThrottled || byStatus.Kind == sdk.KindTransient):
		e = byStatus
		e.After = max(e.After, known.after)
	case listed:
		e.Kind, e.After, e.Text = known.kind, known.after, known.text
	case byStatus != nil:
		e = byStatus
	case code >= 400 && code < 600:
		e = sdk.FromStatus(op, code, header)
		e.Status = status
	case code >= 50000 && code < 60000:
		e.Kind = sdk.KindTransient
	}
	e.Code = strconv.Itoa(code)
	return e
}

// observe keeps the channel's health; e is nil if the vendor took the call. Only an answer that shows what the vendor
// thinks of the account changes it.
func (ch *channel) observe(e *sdk.Error) {
	if e == nil {
		ch.trouble.Store(nil)
		return
	}
	code, _ := strconv.Atoi(e.Code)
	known := codes[code]
	switch {
	case known.account:
		ch.trouble.Store(&known.text)
	case e.Kind == sdk.KindUnauthorized:
		text := codes[40127].text
		ch.trouble.Store(&text)
	case e.Kind == sdk.KindGone || e.Kind == sdk.KindInvalid || e.Kind == sdk.KindUnsupported:
		ch.trouble.Store(nil)
	}
}
