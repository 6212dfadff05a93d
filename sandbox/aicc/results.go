package aicc

import (
	"cmp"
	"net/http"
	"strconv"

	"patchbay/sandbox/simulator"
)

const (
	resultClosed  = "12" // outside the agents' working hours
	resultFailure = "13" // with a reason as text
)

// Result texts, from the page senMsgRsp. All except ReasonClosed belong to code 13. The page has no text for invalid
// content; the simulator uses ReasonSend.
const (
	ReasonClosed     = "The current time is not within the working time of the service agents" // code 12
	ReasonNoCCUCS    = "No ccucs address available!"
	ReasonRobotInit  = "fail to initialize robot"
	ReasonDisconnect = "disconnect failed"
	ReasonSend       = "sendUserMessage failed"
	ReasonNoChannel  = "transfer to agent failed, none channel config found."
	ReasonNoSession  = "fail to transfer from robot to agent,session keep touch failed."
	ReasonWithAgent  = "fail to transfer from robot to agent,it has been agent service."
)

func succeeded(text string) any { return map[string]string{"resultCode": "0", "resultDesc": text} }

// failed returns a refusal with a result code and a result text. problem is an additional explanation for
// Vendor.Problems.
func failed(code, text, problem string) *simulator.Refusal {
	if problem != "" {
		problem = " (" + problem + ")"
	}
	return &simulator.Refusal{
		Status: http.StatusOK, Body: map[string]string{"resultCode": code, "resultDesc": text},
		Problem: "result code " + code + ": " + text + problem,
	}
}

// refused returns a refusal in the format of API Fabric.
func refused(status int, text string) *simulator.Refusal {
	body := map[string]string{"errorCode": strconv.Itoa(status), "exceptionInfo": text}
	return &simulator.Refusal{Status: status, Body: body, Problem: text}
}

var errToken = refused(http.StatusForbidden, "illegal or expired token")

// refuse returns the refusal for a fault: in the format of API Fabric if the fault has an HTTP status, else with the
// fault's result code (default 13).
func refuse(f simulator.Fault) *simulator.Refusal {
	if f.Kind == simulator.ExpiredToken {
		return errToken
	}
	if f.Status != 0 {
		return refused(f.Status, f.Text)
	}
	return failed(strconv.Itoa(cmp.Or(f.Code, 13)), f.Text, "refused by a fault")
}
