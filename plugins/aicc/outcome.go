package main

import (
	"errors"
	"strings"

	"patchbay/sdk"
)

// The reasons of declined errors.
const (
	declinedHours   = "outside_hours"
	declinedAgent   = "no_agent"
	declinedRobot   = "robot_not_ready"
	declinedChannel = "no_channel"
	declinedSend    = "send_failed"
	declinedFailed  = "failed"
)

var reasonCodes = map[string]string{
	declinedHours:   "The agents' working hours are over (result code 12).",
	declinedAgent:   "AICC has no agent server to connect to (result code 13, no CCUCS address).",
	declinedRobot:   "AICC's own robot, which this channel begins with, is not ready (result code 13).",
	declinedChannel: "AICC does not know the channel; check channel_id (result code 13).",
	declinedSend:    "AICC could not pass the request on (result code 13, send failed).",
	declinedFailed:  "AICC refused to connect; the error has its code and words.",
}

// Result codes: of send, and those of files that mean something else or are theirs alone.
const (
	codeDone    = "0"
	codeHours   = "12"
	codeFailure = "13" // of uploadFileStream and downloadFileStream: failed, also because of the type
	codeMissing = "2"  // a parameter is missing
	codeWrong   = "3"  // a parameter is wrong
	codeNoFile  = "401"
)

// cause is what a result other than 0 means. AICC has one code, 13, for most failures and tells them apart
// by English words alone; this file is the only place that reads them.
type cause int

const (
	causeOther cause = iota
	causeHours
	causeNoAgent
	causeRobot
	causeChannel
	causeSession // the session is over
	causeServed  // an agent has the customer already
	causeLeave   // DISCONNECT had no effect: mostly there was nothing to end any more
	causeSend    // what was sent did not get any further
)

// cause is what a result means.
func (r *result) cause() cause { return causeOf(r.code(), string(r.ResultDesc)) }

// causeOf reads a result. The words are those of the vendor's result table, in any case, by their
// telling parts; "working time" also counts without its code.
func causeOf(code, desc string) cause {
	d := strings.ToLower(desc)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(d, w) {
				return true
			}
		}
		return false
	}
	switch {
	case code == codeHours || has("working time", "working hours"):
		return causeHours
	case code != codeFailure:
		return causeOther // codes of CCUCS, which are not public
	case has("agent") && has("already", "has been agent"):
		return causeServed
	case has("session") && has("expire", "keep touch", "invalid", "not exist", "timed out", "timeout"):
		return causeSession
	case has("disconnect"):
		return causeLeave
	case has("ccucs"):
		return causeNoAgent
	case has("robot") && has("initial"):
		return causeRobot
	case has("channel") && has("config"):
		return causeChannel
	case has("send") && has("fail"):
		return causeSend
	}
	return causeOther
}

// openError types a refused CONNECT: the desk does not take the conversation. Only a lapsed session is
// worth another try, which begins a new one.
func openError(c cause) (sdk.ErrorKind, string) {
	switch c {
	case causeHours:
		return sdk.KindDeclined, declinedHours
	case causeNoAgent:
		return sdk.KindDeclined, declinedAgent
	case causeRobot:
		return sdk.KindDeclined, declinedRobot
	case causeChannel:
		return sdk.KindDeclined, declinedChannel
	case causeSend:
		return sdk.KindDeclined, declinedSend
	case causeSession:
		return sdk.KindTransient, ""
	}
	return sdk.KindDeclined, declinedFailed
}

// sendError types a refused CHAT or DISCONNECT: AICC says that it had no effect, so all but what can't
// get better may be repeated.
func sendError(c cause) (sdk.ErrorKind, string) {
	switch c {
	case causeHours:
		return sdk.KindDeclined, declinedHours
	case causeChannel:
		return sdk.KindPermanent, ""
	case causeSession:
		return sdk.KindGone, ""
	}
	return sdk.KindTransient, ""
}

// sessionOver reports whether a refused CHAT means that there is no session any more. The page has one text for every CHAT
// that fails, "sendUserMessage failed" (senMsgRsp): from some attempt on (send_failed_limit) it is taken for a session
// that is over, which it mostly is, since a customer may write while the agent hangs up.
func (c *channel) sessionOver(r *result, attempt int) bool {
	if r.code() == codeDone {
		return false
	}
	why, limit := r.cause(), c.settings.SendFailedLimit
	return why == causeSession || why == causeSend && limit > 0 && attempt >= limit
}

// uploadError types a refused uploadFileStream.
func uploadError(code string) sdk.ErrorKind {
	switch code {
	case codeMissing, codeWrong:
		return sdk.KindPermanent
	}
	return sdk.KindTransient
}

// downloadError types a refused downloadFileStream. Code 13 is a failure as well as a wrong type; only where the type
// and the store were known, and this was the only call to make, is it worth another try.
func downloadError(code string, only bool) sdk.ErrorKind {
	switch {
	case code == codeMissing || code == codeNoFile:
		return sdk.KindPermanent
	case code == codeFailure && !only:
		return sdk.KindPermanent
	}
	return sdk.KindTransient
}

// asTyped returns the typed error in err's chain, or err as a transient one.
func asTyped(err error) *sdk.Error {
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		return e
	}
	return &sdk.Error{Kind: sdk.KindTransient, Err: err}
}
