package main

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// Codes of frames ("Send message v2", streaming). Those from minErrorCode on are errors.
const (
	frameEnd     = 0
	frameText    = 3
	frameCost    = 4
	frameFlow    = 10
	frameInfo    = 11
	frameAudio   = 39
	minErrorCode = 400
)

// stream sends a question in streaming mode and gathers the answer.
func (ch *channel) stream(ctx context.Context, thread string, q *question) (*sdk.Receipt, error) {
	resp, err := ch.post(ctx, opSend, q.path, q.body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		var answer apiAnswer
		if content, err := readAll(resp.Body); err != nil || decode(content, &answer) != nil {
			answer = apiAnswer{}
		}
		e := failure(opSend, resp.StatusCode, resp.Header, answer.code())
		ch.observe(e)
		return nil, e
	}
	var s streamed
	s.gather(resp.Body, resp.Header)
	return ch.receipt(thread, &s)
}

// streamed is what came of a streamed answer so far.
type streamed struct {
	id      string
	text    strings.Builder
	flow    []envelope.Part
	spoken  strings.Builder // what recordings say
	audio   int             // bytes of recordings
	usage   usage
	strange []string // codes of frames that are not known
	broken  int      // frames and lines that can't be read
	raw     []byte   // the beginning of the stream
	size    int      // bytes of it that were read

	ended bool       // the frame End came
	err   *sdk.Error // an error frame came
	cause error      // why the stream ended without either
}

// gather reads frames until End, an error frame, or the end of what there is.
func (s *streamed) gather(r io.Reader, header http.Header) {
	frames := newFrameReader(r)
	defer func() {
		s.broken += frames.unreadable
		s.raw, s.size = frames.raw, frames.read
	}()
	for !s.ended && s.err == nil {
		f, err := frames.next()
		if err != nil {
			s.cause = err
			return
		}
		code, ok := number(f.Code)
		if !ok {
			s.broken++
			continue
		}
		if code >= minErrorCode || code < 0 {
			s.err = failure(opSend, http.StatusOK, header, code)
			continue
		}
		if !s.take(code, f.Data) {
			s.broken++
		}
	}
}

// take adds one frame that is no error. It returns false if its data does not fit its code.
func (s *streamed) take(code int, data jsontext.Value) bool {
	switch code {
	case frameEnd:
		s.ended = true
	case frameInfo:
		var info struct {
			MessageID jsontext.Value `json:"message_id"`
		}
		if data.Kind() != '{' || decode(data, &info) != nil {
			return false
		}
		s.id = usableID(plain(info.MessageID))
	case frameText:
		s.text.WriteString(plain(data))
		return data.Kind() == '"' || data.Kind() == 'n'
	case frameAudio:
		return s.takeAudio(data)
	case frameFlow:
		return s.takeFlow(data)
	case frameCost:
		s.usage = readUsage(data)
	default:
		if name := strconv.Itoa(code); !slices.Contains(s.strange, name) {
			s.strange = append(s.strange, name)
		}
	}
	return true
}

// takeAudio keeps what a recording says. Its bytes come in the frame and can't travel by reference.
func (s *streamed) takeAudio(data jsontext.Value) bool {
	var a audioData
	if data.Kind() != '{' || decode(data, &a) != nil {
		return false
	}
	s.audio += base64.StdEncoding.DecodedLen(len(a.Answer))
	s.spoken.WriteString(a.Transcript)
	return true
}

// takeFlow adds the items of a flow's output, with what their recordings say.
func (s *streamed) takeFlow(data jsontext.Value) bool {
	var items []struct {
		flowOutput
		Audio jsontext.Value `json:"audioDatas"`
	}
	if data.Kind() == 'n' {
		return true
	}
	if decode(data, &items) != nil {
		return false
	}
	whole := true
	for _, item := range items {
		branch, component := clip(item.Branch, maxLabelBytes), clip(item.Component, maxLabelBytes)
		for _, p := range texts(item.Content) {
			s.flow = append(s.flow, labelled(p, branch, component))
		}
		var recordings []audioData
		if len(item.Audio) > 0 && item.Audio.Kind() != 'n' && decode(item.Audio, &recordings) != nil {
			whole = false
		}
		for _, a := range recordings {
			s.audio += base64.StdEncoding.DecodedLen(len(a.Answer))
			if p, ok := recording(a.link(), clip(a.Transcript, envelope.MaxTextBytes)); ok {
				s.flow = append(s.flow, labelled(p, branch, component))
			}
		}
	}
	return whole
}

// parts returns the answer. Words that a flow, or a recording, says as well are not said twice.
func (s *streamed) parts() []envelope.Part {
	parts := slices.Clone(s.flow)
	said, spoken := s.text.String(), s.spoken.String()
	if said != "" && !repeats(said, s.flow) {
		parts = append(texts(said), parts...)
	}
	if spoken == "" || spoken == said || repeats(spoken, s.flow) {
		return parts
	}
	for _, p := range texts(spoken) {
		p.Attributes = map[string]string{attrAudio: "transcript"}
		parts = append(parts, p)
	}
	return parts
}

// audioData is a recording in a streamed answer. Code 39 brings its bytes; those of a flow come with a link under either
// name, as copies of the vendor's pages have it.
type audioData struct {
	Answer     string         `json:"audioAnswer"` // base64
	Transcript string         `json:"transcript"`
	URL        jsontext.Value `json:"url"`
	Audio      jsontext.Value `json:"audio"`
}

// link returns the recording's address, "" if it has none.
func (a *audioData) link() string {
	if s := plain(a.URL); s != "" {
		return s
	}
	return plain(a.Audio)
}
