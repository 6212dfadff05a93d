package botwebhook

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"patchbay/sandbox/simulator"
)

// Stream is the format of answers in streaming mode.
type Stream struct {
	Pieces int  // maximum number of pieces of each text, transcript and audio; default 3
	Bare   bool // lines without the format of server-sent events, as the pages print them
	Joined bool // two frames in one line, as in one of the vendor's samples
}

// frame is one JSON value of a stream, from the page "Send message v2". An error frame has a code of errorList and no
// data. No page shows an error frame; its form is that of the vendor's other errors.
type frame struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data"`
}

// stream returns a handler that streams all answers as one response: first the texts, then the audio, then the flow
// outputs. Texts and audio are sent in pieces.
func (s *Simulator) stream(answers []Answer) http.Handler {
	var texts []string
	var audio []frame
	var flow []object
	for _, a := range answers {
		if !a.isFlow() && a.Text != "" {
			texts = append(texts, a.Text)
		}
		for _, item := range a.items() {
			audio = append(audio, s.audioFrames(item.Audio)...)
			if f := flowEntry(item); a.isFlow() || f["audioDatas"] != nil {
				flow = append(flow, f)
			}
		}
	}
	frames := []frame{{11, "MessageInfo", object{"message_id": simulator.HexID()}}}
	for _, piece := range pieces(strings.Join(texts, "\n"), s.o.Stream.Pieces) {
		frames = append(frames, frame{3, "Text", piece})
	}
	frames = append(frames, audio...)
	if flow != nil {
		frames = append(frames, frame{10, "FlowOutput", flow})
	}
	frames = append(frames, frame{4, "Cost", tokens}, frame{0, "End", nil})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.write(w, r.Context(), frames) })
}

// audioFrames returns the frames of the audio that has data: for each, first the transcript, then the data.
func (s *Simulator) audioFrames(audio []Audio) []frame {
	var frames []frame
	add := func(sound []byte, transcript string) {
		frames = append(frames, frame{39, "Audio", object{"audioAnswer": sound, "transcript": transcript}})
	}
	for _, a := range audio {
		if len(a.Data) == 0 {
			continue
		}
		for _, piece := range pieces(a.Transcript, s.o.Stream.Pieces) {
			add([]byte{}, piece)
		}
		// Each piece except the last has a multiple of three bytes, so base64 can be joined before or after decoding.
		for piece := range slices.Chunk(a.Data, max(3, (len(a.Data)/s.o.Stream.Pieces+2)/3*3)) {
			add(piece, "")
		}
	}
	return frames
}

// flowEntry returns an entry of the data of a frame FlowOutput.
func flowEntry(item Item) object {
	f := object{"content": item.Text, "branch": orNull(item.Branch), "from_component_name": item.Component}
	var audio []object
	for _, a := range item.Audio {
		if a.URL != "" {
			audio = append(audio, object{"transcript": a.Transcript, "url": a.URL, "seconds": a.Seconds})
		}
	}
	if audio != nil {
		f["audioDatas"] = audio
	}
	return f
}

// pieces divides a text into at most n pieces of whole characters.
func pieces(text string, n int) []string {
	var out []string
	for piece := range slices.Chunk([]rune(text), max(1, (utf8.RuneCountInString(text)+n-1)/n)) {
		out = append(out, string(piece))
	}
	return out
}

var streamFaults = []simulator.Kind{
	simulator.Slow, simulator.Hang, simulator.Reset, simulator.Truncate, simulator.Refuse,
}

// write writes the frames one by one, with the faults of EndpointStream.
func (s *Simulator) write(w http.ResponseWriter, ctx context.Context, frames []frame) {
	w.Header().Set("Content-Type", "text/event-stream")
	f, _ := s.Faults.Take(EndpointStream, streamFaults...)
	together := 1
	if s.o.Stream.Joined {
		together = 2
	}
	lines := slices.Collect(slices.Chunk(frames, together))
	for i, line := range lines {
		if f.Kind == simulator.Slow && s.Faults.Wait(ctx, f) != nil {
			return
		}
		if i == len(lines)/2 {
			switch f.Kind {
			case simulator.Hang:
				if s.Faults.Wait(ctx, f) != nil {
					return
				}
			case simulator.Reset:
				simulator.Abort(w)
				return
			case simulator.Truncate:
				return
			case simulator.Refuse:
				e := vendorError(f.Code).Body.(apiError)
				_, _ = w.Write(s.line(frame{Code: e.Code, Message: e.Message})) // fails only if the caller has disconnected
				return
			}
		}
		if _, err := w.Write(s.line(line...)); err != nil {
			return // the caller has disconnected
		}
		_ = http.NewResponseController(w).Flush() // fails if a fault of EndpointMessage buffers the response
	}
}

func (s *Simulator) line(frames ...frame) []byte {
	prefix, end := "data: ", "\n\n"
	if s.o.Stream.Bare {
		prefix, end = "", "  \n" // the page's sample has these trailing spaces
	}
	line := bytes.NewBufferString(prefix)
	for _, f := range frames {
		encoded, err := json.Marshal(f)
		if err != nil {
			panic(err) // strings, numbers and bytes can be encoded
		}
		line.Write(encoded)
	}
	line.WriteString(end)
	return line.Bytes()
}
