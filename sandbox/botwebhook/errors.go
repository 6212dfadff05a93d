package botwebhook

import (
	"cmp"
	"fmt"
	"net/http"

	"patchbay/sandbox/simulator"
)

// apiError is the body of an error.
type apiError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Codes of the errors that the simulator detects. Other codes of the vendor's list come only from faults.
const (
	codeParameters     = 40000
	codeAuthentication = 40127
	codeConversation   = 40356
	codeTooLong        = 20040
)

// errorList contains the errors on the vendor's pages. The pages state no HTTP status; the simulator chooses one.
var errorList = map[int]struct {
	status  int
	message string
}{
	20022:              {http.StatusPaymentRequired, "Not enough credits"},
	codeTooLong:        {http.StatusBadRequest, "Question is too long"},
	20055:              {http.StatusForbidden, "API is switched off"},
	20059:              {http.StatusNotFound, "Agent has been deleted"},
	codeParameters:     {http.StatusBadRequest, "Wrong parameters"},
	40005:              {http.StatusBadRequest, "Page is beyond the last one"},
	codeAuthentication: {http.StatusUnauthorized, "Developer authentication failed"},
	codeConversation:   {http.StatusNotFound, "Conversation does not exist"},
	40358:              {http.StatusForbidden, "Conversation belongs to another agent or user"},
	40364:              {http.StatusBadRequest, "The agent's model takes no images"},
	40378:              {http.StatusNotFound, "Agent has been deleted"},
	40379:              {http.StatusPaymentRequired, "Not enough credits"},
	50000:              {http.StatusInternalServerError, "Internal error"},
	200222:             {http.StatusBadRequest, "The agent's settings do not allow this"},
}

// vendorError returns the refusal with that code of errorList.
func vendorError(code int) *simulator.Refusal { return refuse(simulator.Fault{Code: code}) }

// refuse returns the refusal for a fault. Its status and message are those of the fault, else those of errorList, else
// 400 and "Refused". Without a code, the code is codeParameters.
func refuse(f simulator.Fault) *simulator.Refusal {
	code := cmp.Or(f.Code, codeParameters)
	if f.Kind == simulator.ExpiredToken {
		code = codeAuthentication
	}
	e := apiError{code, cmp.Or(f.Text, errorList[code].message, "Refused")}
	status := cmp.Or(f.Status, errorList[code].status, http.StatusBadRequest)
	return &simulator.Refusal{Status: status, Body: e, Problem: fmt.Sprintf("%d: %s", e.Code, e.Message)}
}
