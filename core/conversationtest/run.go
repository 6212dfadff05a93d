package conversationtest

import (
	"context"
	"errors"
	"fmt"
)

// Driver performs the steps of one test.
type Driver interface {
	// Do performs a step. It returns what has happened to the step's conversation since the previous step of the same
	// customer. A driver whose programs work concurrently waits until step.Expect is fulfilled, or until a timeout.
	Do(ctx context.Context, step *Step) (*Observed, error)
}

// ErrUnsupported is the error of a step that a driver cannot perform. The rest of the test is skipped.
var ErrUnsupported = errors.New("the driver cannot perform this step")

// Failure is an unfulfilled expectation, or a step that could not be performed.
type Failure struct {
	Step    int    `json:"step"` // from 1
	Line    int    `json:"line"`
	Message string `json:"message"`
}

// Result is the result of one test.
type Result struct {
	Test     string    `json:"test"`
	Line     int       `json:"line"`
	Steps    int       `json:"steps"` // that were performed
	Failures []Failure `json:"failures,omitempty"`
	Skipped  string    `json:"skipped,omitempty"` // reason
}

// Run performs the steps of a test. It stops at a step that cannot be performed, but not at unfulfilled expectations.
func Run(ctx context.Context, t *Test, d Driver) Result {
	r := Result{Test: t.Name, Line: t.Position().Line}
	for i := range t.Steps {
		s := &t.Steps[i]
		fail := func(message string) {
			r.Failures = append(r.Failures, Failure{Step: i + 1, Line: s.Position().Line, Message: message})
		}
		observed, err := d.Do(ctx, s)
		if errors.Is(err, ErrUnsupported) {
			r.Skipped = fmt.Sprintf("step %d: %v", i+1, err)
			return r
		}
		if err != nil {
			fail(err.Error())
			return r
		}
		r.Steps++
		for _, difference := range s.Expect.Compare(observed) {
			fail(difference)
		}
	}
	return r
}
