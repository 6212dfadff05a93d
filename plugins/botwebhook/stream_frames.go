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
	maxFrameBytes  = 4 << 20 // of one frame, which may contain audio
	maxStreamBytes = maxResponseBytes
	maxFrames      = 100_000
	maxFieldBytes  = 16 // of a field name at the start of a line
)

// errStreamLimit ends a stream that exceeds a limit.
var errStreamLimit = errors.New("the streamed answer exceeds the limits")

// frame is one frame of a streamed answer ("Send message v2", streaming), not of the plugin protocol. code determines
// the type of data.
type frame struct {
	Code jsontext.Value `json:"code"`
	Data jsontext.Value `json:"data"`
}

// frameReader splits a streamed answer into its frames, which are JSON objects. They are on data lines of server-sent
// events, as the service sends them, or on plain lines, as GPTBots's page prints them. A line may have several frames,
// and a frame may have several lines. Other content is skipped and counted.
type frameReader struct {
	r         *bufio.Reader
	read      int    // bytes read
	raw       []byte // the first MaxRawBytes of them
	frames    int
	malformed int // skipped lines and frames

	frame  []byte // the open frame
	depth  int    // open objects and arrays in it
	quoted bool   // inside a string
	escape bool   // after a backslash in a string

	line    lineState
	event   bool   // the line or the open frame belongs to a server-sent event
	field   []byte // field name at the start of the line
	content bool   // the line is not empty
	cr      bool   // the last byte was a carriage return
}

// lineState is the meaning of the bytes of a line.
type lineState int

const (
	lineStart lineState = iota // whitespace, a field name or a frame
	lineData                   // frames
	lineSkip                   // skipped
)

func newFrameReader(r io.Reader) *frameReader {
	f := &frameReader{r: bufio.NewReader(io.LimitReader(r, maxStreamBytes+1))}
	if bom, _ := f.r.Peek(3); string(bom) == "\ufeff" {
		_, _ = f.r.Discard(3)
	}
	return f
}

// next returns the next frame as soon as its last byte has arrived. At the end it returns io.EOF, errStreamLimit or a
// read error; an open frame is lost then.
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
		complete, err := f.addByte(c)
		if err != nil {
			return nil, err
		}
		if !complete {
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
		f.malformed++
	}
}

// addByte processes one byte and reports whether it completes a frame.
func (f *frameReader) addByte(c byte) (complete bool, err error) {
	secondOfCRLF := c == '\n' && f.cr
	f.cr = c == '\r'
	switch {
	case secondOfCRLF:
		return false, nil
	case c == '\n' || c == '\r':
		f.endLine()
		return false, nil
	}
	f.content = true
	switch f.line {
	case lineStart:
		f.addStartByte(c)
		return false, nil
	case lineData:
		return f.addDataByte(c)
	}
	return false, nil
}

// addStartByte processes a byte before the frames of a line.
func (f *frameReader) addStartByte(c byte) {
	switch {
	case c == '{' && len(f.field) == 0:
		f.dropFrame()
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
		f.malformed++
	default:
		f.field = append(f.field, c)
	}
}

// addDataByte processes a byte of a frame or between frames.
func (f *frameReader) addDataByte(c byte) (complete bool, err error) {
	if f.depth == 0 {
		switch c {
		case ' ', '\t':
			return false, nil
		case '{':
		default:
			f.line = lineSkip
			f.malformed++
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

// endLine ends a line. An empty line ends an event and makes its open frame malformed.
func (f *frameReader) endLine() {
	if f.line == lineStart && len(f.field) > 0 {
		f.malformed++
	}
	if !f.content && f.event {
		f.dropFrame()
		f.event = false
	}
	f.field, f.content, f.line = f.field[:0], false, lineStart
	if f.depth == 0 {
		return
	}
	if len(f.frame) < maxFrameBytes {
		f.frame = append(f.frame, '\n')
	}
	if !f.event { // a frame on plain lines continues
		f.line = lineData
	}
}

// dropFrame drops the open frame, which then counts as malformed.
func (f *frameReader) dropFrame() {
	if f.depth > 0 {
		f.malformed++
	}
	f.frame, f.depth, f.quoted, f.escape = f.frame[:0], 0, false, false
}
