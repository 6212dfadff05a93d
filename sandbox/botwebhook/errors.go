package botwebhook

import (
	"fmt"
	"net/http"
)

// apiError is an error of the vendor's list, with the HTTP status that fits it best.
type apiError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	status  int
}

func (e *apiError) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Message) }

func badParameters(format string, args ...any) *apiError {
	return &apiError{Code: 40000, Message: fmt.Sprintf(format, args...), status: http.StatusBadRequest}
}

// The errors that the simulator finds by itself. Others of the vendor's list come on command.
var (
	errAuthentication  = vendorError(40127)
	errNoConversation  = vendorError(40356)
	errNoImages        = vendorError(40364)
	errQuestionTooLong = vendorError(20040)
)

// errorList is what the pages list, with a status that fits; none is documented.
var errorList = map[int]apiError{
	20022:  {Message: "Not enough credits", status: http.StatusPaymentRequired},
	20040:  {Message: "Question is too long", status: http.StatusBadRequest},
	20055:  {Message: "API is switched off", status: http.StatusForbidden},
	20059:  {Message: "Agent has been deleted", status: http.StatusNotFound},
	40000:  {Message: "Wrong parameters", status: http.StatusBadRequest},
	40005:  {Message: "Page is beyond the last one", status: http.StatusBadRequest},
	40127:  {Message: "Developer authentication failed", status: http.StatusUnauthorized},
	40356:  {Message: "Conversation does not exist", status: http.StatusNotFound},
	40358:  {Message: "Conversation belongs to another agent or user", status: http.StatusForbidden},
	40364:  {Message: "The agent's model takes no images", status: http.StatusBadRequest},
	40378:  {Message: "Agent has been deleted", status: http.StatusNotFound},
	40379:  {Message: "Not enough credits", status: http.StatusPaymentRequired},
	50000:  {Message: "Internal error", status: http.StatusInternalServerError},
	200222: {Message: "The agent's settings do not allow this", status: http.StatusBadRequest},
}

// vendorError returns the error of the vendor's list with that code. Codes that are not in it make a 400.
func vendorError(code int) *apiError {
	e, ok := errorList[code]
	if !ok {
		e = apiError{Message: "Refused", status: http.StatusBadRequest}
	}
	e.Code = code
	return &e
}
