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

// errorList contains the errors of the pages. The pages state no HTTP status; the simulator chooses one.
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

// vendorError returns the error of the vendor's list with that code. Codes that are not in it have status 400.
func vendorError(code int) *simulator.Refusal {
	e := errorList[code]
	return newError(cmp.Or(e.status, http.StatusBadRequest), apiError{code, cmp.Or(e.message, "Refused")})
}

func badParameters(format string, args ...any) *simulator.Refusal {
	return newError(http.StatusBadRequest, apiError{codeParameters, fmt.Sprintf(format, args...)})
}

func newError(status int, e apiError) *simulator.Refusal {
	return &simulator.Refusal{Status: status, Body: e, Problem: fmt.Sprintf("%d: %s", e.Code, e.Message)}
}

// ordered returns the error for a fault.
func ordered(f simulator.Fault) error {
	if f.Kind == simulator.ExpiredToken {
		return vendorError(codeAuthentication)
	}
	e := vendorError(f.Code)
	e.Status = cmp.Or(f.Status, e.Status)
	return e
}
