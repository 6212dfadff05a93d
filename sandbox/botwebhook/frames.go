package botwebhook

import (
	"net/http"
	"strings"
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
