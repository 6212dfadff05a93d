package main

import (
	"errors"
	"strings"

	"patchbay/sdk"
)

// Reasons of declined errors.
const (
	declinedHours   = "outside_hours"
	declinedAgent   = "no_agent"
	declinedRobot   = "robot_not_ready"
	declinedChannel = "no_channel"
	declinedSend    = "send_failed"
	declinedFailed  = "failed"
)

var reasonCodes = map[string]string{
	declinedHours:   "It is outside the agents' working hours (result code 12).",
	declinedAgent:   "AICC found no agent server (result code 13, no CCUCS address).",
	declinedRobot:   "AICC's robot, which receives new conversations first, is not ready (result code 13).",
	declinedChannel: "The channel does not exist at AICC (result code 13). Check channel_id.",
	declinedSend:    "AICC could not forward the request (result code 13, send failed).",
	declinedFailed:  "AICC refused to connect. The error contains its code and text.",
}

// Result codes of send, uploadFileStream and downloadFileStream.
const (
	codeDone    = "0"
	codeHours   = "12"
	codeFailure = "13"  // send: see cause; files: failed, or wrong type
	codeMissing = "2"   // files: a parameter is missing
	codeWrong   = "3"   // uploadFileStream: a parameter is wrong
	codeNoFile  = "401" // downloadFileStream: no such file
)

// cause is the meaning of a result code other than 0. AICC uses code 13 for most failures and distinguishes them only
// by English texts (send, result texts). Only this file parses these texts.
type cause int

const (
	causeOther cause = iota
	causeHours
	causeNoAgent
	causeRobot
	causeChannel
	causeSession    // the session has expired
	causeHasAgent   // the customer already has an agent
	causeDisconnect // DISCONNECT failed, usually because the session has ended
	causeSend       // AICC could not forward the message
)

// cause returns the meaning of a result.
func (r *result) cause() cause { return causeOf(r.code(), string(r.ResultDesc)) }

// causeOf matches significant parts of the documented result texts, ignoring case. "Working time" is recognized with
// any code.
func causeOf(code, desc string) cause {
	d := strings.ToLower(desc)
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(d, part) {
				return true
			}
		}
		return false
	}
	switch {
	case code == codeHours || has("working time", "working hours"):
		return causeHours
	case code != codeFailure:
		return causeOther // codes of CCUCS are not public
	case has("agent") && has("already", "has been agent"):
		return causeHasAgent
	case has("session") && has("expire", "keep touch", "invalid", "not exist", "timed out", "timeout"):
		return causeSession
	case has("disconnect"):
		return causeDisconnect
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

// openError returns the kind and reason for a refused CONNECT or TRANS2AGENT. The channel declines the conversation,
// except after an expired session: another attempt opens a new session.
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

// sendError returns the kind and reason for a refused CHAT, INPUT, READ or DISCONNECT. A refused call had no effect, so
// a CHAT or DISCONNECT is repeated if a repeat can succeed.
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

// isSessionExpired reports whether a refused CHAT means that the session has expired. AICC has one text for any CHAT
// that fails, "sendUserMessage failed" (senMsgRsp). From attempt number send_failed_limit, it counts as an expired
// session, which is the usual cause: the agent ended the chat while the customer was writing.
func (c *channel) isSessionExpired(r *result, attempt int) bool {
	if r.code() == codeDone {
		return false
	}
	cause, limit := r.cause(), c.settings.SendFailedLimit
	return cause == causeSession || cause == causeSend && limit > 0 && attempt >= limit
}

// uploadError returns the kind for a refused uploadFileStream.
func uploadError(code string) sdk.ErrorKind {
	switch code {
	case codeMissing, codeWrong:
		return sdk.KindPermanent
	}
	return sdk.KindTransient
}

// downloadError returns the kind for a refused downloadFileStream. Code 13 means either a failure or a wrong file type,
// so the call is repeated only if no other store or type is possible.
func downloadError(code string, onlyCandidate bool) sdk.ErrorKind {
	switch {
	case code == codeMissing || code == codeNoFile:
		return sdk.KindPermanent
	case code == codeFailure && !onlyCandidate:
		return sdk.KindPermanent
	}
	return sdk.KindTransient
}

// asTyped returns the typed error in err's chain, or err as a transient error.
func asTyped(err error) *sdk.Error {
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		return e
	}
	return &sdk.Error{Kind: sdk.KindTransient, Err: err}
}
