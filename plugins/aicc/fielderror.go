package main

import "fmt"

// fieldError says which field of a message was not understood, and why.
type fieldError struct{ field, what string }

// Error names the field first.
func (e *fieldError) Error() string { return e.field + ": " + e.what }

// wrong returns an error about a field.
func wrong(field, format string, args ...any) error {
	return &fieldError{field, fmt.Sprintf(format, args...)}
}
