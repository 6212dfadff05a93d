package botwebhook

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"patchbay/sandbox/fault"
)

// streamed is an answer in streaming mode, ready to be written once.
type streamed struct {
	s      *Simulator
	frames []frame
}

// ServeHTTP writes the frames, each as soon as its turn comes, and what faults make of them.
func (t *streamed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	f, _ := t.s.Faults.Take(EndpointStream, fault.Slow, fault.Hang, fault.Reset, fault.Truncate, fault.Refuse)
	lines := t.lines()
	for i, line := range lines {
		if f.Kind == fault.Slow && fault.Sleep(r.Context(), f.Delay) != nil {
			return
		}
		if f.Kind != "" && i == len(lines)/2 && !t.interrupt(w, r.Context(), f) {
			return
		}
		if _, err := w.Write(line); err != nil {
			return // the caller left
		}
		// A spoilt answer is kept whole by a writer that can't flush.
		_ = http.NewResponseController(w).Flush()
	}
}

// interrupt does what f orders for the middle of the stream, and returns whether the stream goes on.
func (t *streamed) interrupt(w http.ResponseWriter, ctx context.Context, f fault.Fault) bool {
	switch f.Kind {
	case fault.Hang:
		return t.s.Faults.Hold(ctx) == nil
	case fault.Reset:
		fault.Break(w)
		return false
	case fault.Truncate:
		return false
	case fault.Refuse:
		e := vendorError(f.Code)
		_, _ = w.Write(t.line(frame{Code: e.Code, Message: e.Message})) // fails only if the caller left
		return false
	}
	return true
}

// lines returns the stream in the pieces that are sent at once.
func (t *streamed) lines() [][]byte {
	together := 1
	if t.s.o.Stream.Joined {
		together = 2
	}
	var lines [][]byte
	for rest := t.frames; len(rest) > 0; {
		n := min(together, len(rest))
		lines = append(lines, t.line(rest[:n]...))
		rest = rest[n:]
	}
	return lines
}

func (t *streamed) line(frames ...frame) []byte {
	var line bytes.Buffer
	if !t.s.o.Stream.Bare {
		line.WriteString("data: ")
	}
	for _, f := range frames {
		encoded, err := json.Marshal(f)
		if err != nil {
			panic(err) // strings, numbers and bytes can be encoded
		}
		line.Write(encoded)
	}
	if t.s.o.Stream.Bare {
		line.WriteString("  \n") // the page's sample has blanks there, too
	} else {
		line.WriteString("\n\n")
	}
	return line.Bytes()
}
