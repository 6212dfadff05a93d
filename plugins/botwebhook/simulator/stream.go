package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"patchbay/sandbox/fault"
)

// Codes of frames, page "Send message v2". A frame with another code, and without data, is an error of the vendor's list;
// no page shows one, it is the form of all errors.
const (
	frameEnd     = 0
	frameText    = 3
	frameCost    = 4
	frameFlow    = 10
	frameMessage = 11
	frameAudio   = 39
)

// frame is one JSON value of a stream.
type frame struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data"`
}

// audioFrame is the data of an audio frame: first come the pieces of the transcript, then those of the sound.
type audioFrame struct {
	Audio      []byte `json:"audioAnswer"` // base64
	Transcript string `json:"transcript"`
}

// flowFrame is an entry of a flow output's data.
type flowFrame struct {
	Content   string      `json:"content"`
	Branch    *string     `json:"branch"`
	Component string      `json:"from_component_name"`
	Audio     []flowAudio `json:"audioDatas,omitempty"`
}

type flowAudio struct {
	Transcript string `json:"transcript"`
	URL        string `json:"url"`
	Seconds    int    `json:"seconds"`
}

// streamed is an answer in streaming mode, ready to be written once.
type streamed struct {
	s      *Simulator
	frames []frame
}

// stream makes one answer of all. What flows say comes at its end, all the rest in pieces, text before sound.
func (s *Simulator) stream(asked Asked, answers []Answer) http.Handler {
	id := newID()
	s.remember(asked.Conversation, id)
	frames := []frame{{frameMessage, "MessageInfo", map[string]string{"message_id": id}}}
	var texts []string
	var sounds []frame
	var flow []flowFrame
	for _, a := range answers {
		if !a.flow() && a.Text != "" {
			texts = append(texts, a.Text)
		}
		for _, item := range a.items() {
			sounds = append(sounds, s.spoken(item.Audio)...)
			if f := flowOf(item); a.flow() || len(f.Audio) > 0 {
				flow = append(flow, f)
			}
		}
	}
	for _, piece := range pieces(strings.Join(texts, "\n"), s.o.Stream.Pieces) {
		frames = append(frames, frame{frameText, "Text", piece})
	}
	frames = append(frames, sounds...)
	if len(flow) > 0 {
		frames = append(frames, frame{frameFlow, "FlowOutput", flow})
	}
	frames = append(frames, frame{frameCost, "Cost", tokens()}, frame{frameEnd, "End", nil})
	return &streamed{s: s, frames: frames}
}

// spoken returns the frames of sounds that come with their bytes.
func (s *Simulator) spoken(audio []Audio) []frame {
	var frames []frame
	for _, a := range audio {
		if len(a.Data) == 0 {
			continue
		}
		for _, piece := range pieces(a.Transcript, s.o.Stream.Pieces) {
			frames = append(frames, frame{frameAudio, "Audio", audioFrame{Audio: []byte{}, Transcript: piece}})
		}
		for _, piece := range chunks(a.Data, s.o.Stream.Pieces) {
			frames = append(frames, frame{frameAudio, "Audio", audioFrame{Audio: piece}})
		}
	}
	return frames
}

func flowOf(item Item) flowFrame {
	f := flowFrame{Content: item.Text, Component: item.Component}
	if item.Branch != "" {
		f.Branch = &item.Branch
	}
	for _, a := range item.Audio {
		if a.URL != "" {
			f.Audio = append(f.Audio, flowAudio{Transcript: a.Transcript, URL: a.URL, Seconds: a.Seconds})
		}
	}
	return f
}

// pieces divides a text between characters into n pieces, or fewer if it has fewer characters.
func pieces(text string, n int) []string {
	runes := []rune(text)
	var out []string
	for ; n > 0 && len(runes) > 0; n-- {
		size := (len(runes) + n - 1) / n
		out = append(out, string(runes[:size]))
		runes = runes[size:]
	}
	return out
}

// chunks divides data into about n pieces, each but the last of a multiple of three bytes: so their base64 can be joined
// before or after it is decoded.
func chunks(data []byte, n int) [][]byte {
	size := max(3, (len(data)/n+2)/3*3)
	var out [][]byte
	for len(data) > size {
		out = append(out, data[:size])
		data = data[size:]
	}
	return append(out, data)
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
