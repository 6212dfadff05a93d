package main

import (
	"net/http"
	"strconv"
	"time"

	"patchbay/sdk"
)

// creditPause is the pause of a channel without credits, which an operator must buy.
const creditPause = 10 * time.Minute

// codeMeaning is the meaning of an error code.
type codeMeaning struct {
	kind    sdk.ErrorKind
	after   time.Duration
	text    string
	account bool // the error concerns the account, so the channel is unhealthy
}

// codes are the documented error codes ("Send message v2", "Create conversation" and others). The code determines the
// error kind, because errors may have HTTP status 200.
var codes = map[int]codeMeaning{
	20022:  {sdk.KindTransient, creditPause, "out of credits", true},
	20040:  {sdk.KindUnsupported, 0, "the message exceeds the agent's token limit", false},
	20055:  {sdk.KindPermanent, 0, "the agent's API is switched off", true},
	20059:  {sdk.KindPermanent, 0, "the agent was deleted", true},
	40000:  {sdk.KindInvalid, 0, "invalid parameters", false},
	40005:  {sdk.KindInvalid, 0, "invalid page number", false},
	40127:  {sdk.KindUnauthorized, 0, "the API key is refused", true},
	40356:  {sdk.KindGone, 0, "the conversation does not exist", false},
	40358:  {sdk.KindGone, 0, "the conversation belongs to another agent or user", false},
	40364:  {sdk.KindUnsupported, 0, "the agent's model does not support images", false},
	40378:  {sdk.KindPermanent, 0, "the agent was deleted", true},
	40379:  {sdk.KindTransient, creditPause, "out of credits", true},
	50000:  {sdk.KindTransient, 0, "internal error of GPTBots", false},
	200222: {sdk.KindUnsupported, 0, "the agent's settings do not support this", false},
}

// responseError returns the error for a response with this status and code, or nil for success. A status that permits a
// retry (408, 425, 429, 5xx) has priority over the code. A listed code has priority over any other HTTP error. With a
// status 2xx, an unlisted code from 400 to 599 counts as an HTTP status, 5xxxx is transient, and others are permanent.
func responseError(op string, status int, header http.Header, code int) *sdk.Error {
	byStatus := sdk.FromStatus(op, status, header)
	if code == 0 || (code == http.StatusOK && byStatus == nil) {
		return byStatus
	}
	e := &sdk.Error{Kind: sdk.KindPermanent, Op: op, Status: status, Text: "unknown error code"}
	meaning, listed := codes[code]
	switch {
	case byStatus != nil && (byStatus.Kind == sdk.KindThrottled || byStatus.Kind == sdk.KindTransient):
		e = byStatus
		e.After = max(e.After, meaning.after)
	case listed:
		e.Kind, e.After, e.Text = meaning.kind, meaning.after, meaning.text
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

// updateHealth updates the channel's health after a response; e is nil for success. An error of the account makes
// the channel unhealthy. Success and errors about the call itself make it healthy again. Other errors change nothing.
func (ch *channel) updateHealth(e *sdk.Error) {
	if e == nil {
		ch.accountError.Store(nil)
		return
	}
	code, _ := strconv.Atoi(e.Code)
	meaning := codes[code]
	switch {
	case meaning.account:
		ch.accountError.Store(&meaning.text)
	case e.Kind == sdk.KindUnauthorized:
		text := codes[40127].text
		ch.accountError.Store(&text)
	case e.Kind == sdk.KindGone || e.Kind == sdk.KindInvalid || e.Kind == sdk.KindUnsupported:
		ch.accountError.Store(nil)
	}
}
