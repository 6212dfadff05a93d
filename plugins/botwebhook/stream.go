package main

import (
	"bufio"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/envelope"
)

// Limits of a streamed answer.
const (
	maxFrameBytes  = 4 << 20 // of one frame: audio is among them
	maxStreamBytes = maxAnswerBytes
	maxFrames      = 100_000
	maxFieldBytes  = 16 // of a field's name at the start of a line
)

// errStreamLimit ends a stream that is beyond a limit.
var errStreamLimit = errors.New("the streamed answer is beyond the limits")

// frame is one piece of a streamed answer ("Send message v2", streaming). Code says what data is.
type frame struct {
	Code jsontext.Value `json:"code"`
	Data jsontext.Value `json:"data"`
}

// frameReader divides a streamed answer into its frames, which are JSON objects. They come on the data lines of
// server-sent events, as the service sends them; on lines of their own, as the vendor's page prints them; and several
// on one line, or one on several. What is none is skipped and counted.
type frameReader struct {
	r          *bufio.Reader
	read       int    // bytes
	raw        []byte // the first of them, as many as an envelope keeps
	frames     int
	unreadable int // lines or frames that were skipped

	frame  []byte // the frame that is open
	depth  int    // of objects and arrays that are open in it
	quoted bool   // within a string
	escape bool   // behind a backslash in it

	line    lineState
	event   bool   // the line, or the frame, is of a server-sent event
	field   []byte // name at the start of the line
	content bool   // the line has had something in it
	cr      bool   // the last byte was a carriage return
}

// lineState says what the bytes of a line are.
type lineState int

const (
	lineStart lineState = iota // blanks, a field's name, or a frame
	lineData                   // frames
	lineSkip                   // nothing to read
)

func newFrameReader(r io.Reader) *frameReader {
	f := &frameReader{r: bufio.NewReader(io.LimitReader(r, maxStreamBytes+1))}
	if bom, _ := f.r.Peek(3); string(bom) == "\ufeff" {
		_, _ = f.r.Discard(3)
	}
	return f
}

// next returns the next frame as soon as its last byte is there. After the last it returns io.EOF, errStreamLimit, or what
// reading failed with; a frame that was open then is lost.
func (f *frameReader) next() (*frame, error) {
	for {
		c, err := f.r.ReadByte()
		if err != nil {
			return nil, err
		}
		if f.read++; f.read > maxStreamBytes {
			return nil, errStreamLimit
		}
		if len(f.raw) < envelope.MaxRawBytes {
			f.raw = append(f.raw, c)
		}
		whole, err := f.take(c)
		if err != nil {
			return nil, err
		}
		if !whole {
			continue
		}
		if f.frames++; f.frames > maxFrames {
			return nil, errStreamLimit
		}
		var out frame
		err = decode(f.frame, &out)
		f.frame = f.frame[:0]
		if err == nil {
			return &out, nil
		}
		f.unreadable++
	}
}

// take reads one byte, and reports whether it is the last of a frame.
func (f *frameReader) take(c byte) (whole bool, err error) {
	second := c == '\n' && f.cr // half of a line end
	f.cr = c == '\r'
	switch {
	case second:
		return false, nil
	case c == '\n' || c == '\r':
		f.endLine()
		return false, nil
	}
	f.content = true
	switch f.line {
	case lineStart:
		f.start(c)
		return false, nil
	case lineData:
		return f.data(c)
	}
	return false, nil
}

// start reads what is before the frames of a line.
func (f *frameReader) start(c byte) {
	switch {
	case c == '{' && len(f.field) == 0:
		f.abandon()
		f.line, f.event = lineData, false
		f.frame, f.depth = append(f.frame, c), 1
	case c == ':':
		f.line = lineSkip
		if string(f.field) == "data" {
			f.line, f.event = lineData, true
		}
	case (c == ' ' || c == '\t') && len(f.field) == 0:
	case len(f.field) == maxFieldBytes:
		f.line = lineSkip
		f.unreadable++
	default:
		f.field = append(f.field, c)
	}
}

// data reads a byte of a frame, or between frames.
func (f *frameReader) data(c byte) (whole bool, err error) {
	if f.depth == 0 {
		switch c {
		case ' ', '\t':
			return false, nil
		case '{':
		default:
			f.line = lineSkip
			f.unreadable++
			return false, nil
		}
	}
	if len(f.frame) == maxFrameBytes {
		return false, errStreamLimit
	}
	f.frame = append(f.frame, c)
	switch {
	case f.escape:
		f.escape = false
	case f.quoted:
		f.escape, f.quoted = c == '\\', c != '"'
	case c == '"':
		f.quoted = true
	case c == '{' || c == '[':
		f.depth++
	case c == '}' || c == ']':
		f.depth--
		return f.depth == 0, nil
	}
	return false, nil
}

// endLine ends a line. An empty one ends an event; a frame that is open is then broken.
func (f *frameReader) endLine() {
	if f.line == lineStart && len(f.field) > 0 {
		f.unreadable++
	}
	if !f.content && f.event {
		f.abandon()
		f.event = false
	}
	f.field, f.content, f.line = f.field[:0], false, lineStart
	if f.depth == 0 {
		return
	}
	if len(f.frame) < maxFrameBytes {
		f.frame = append(f.frame, '\n')
	}
	if !f.event { // a frame on lines of its own goes on
		f.line = lineData
	}
}

// abandon gives up the frame that is open.
func (f *frameReader) abandon() {
	if f.depth > 0 {
		f.unreadable++
	}
	f.frame, f.depth, f.quoted, f.escape = f.frame[:0], 0, false, false
}
