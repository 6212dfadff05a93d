package main

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// Codes of frames ("Send message v2", streaming). Negative codes, and codes from minErrorCode, are errors.
const (
	frameEnd     = 0
	frameText    = 3
	frameCost    = 4
	frameFlow    = 10
	frameInfo    = 11
	frameAudio   = 39
	minErrorCode = 400
)

// sendStreaming sends a message in streaming mode and collects the answer.
func (ch *channel) sendStreaming(ctx context.Context, thread string, m *outboundMessage) (*sdk.Receipt, error) {
	resp, err := ch.post(ctx, opSend, m.path, m.body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		var response apiResponse
		if content, err := readAll(resp.Body); err != nil || decode(content, &response) != nil {
			response = apiResponse{}
		}
		e := responseError(opSend, resp.StatusCode, resp.Header, response.code())
		ch.updateHealth(e)
		return nil, e
	}
	var s streamAnswer
	s.collect(resp.Body, resp.Header)
	return ch.receipt(thread, &s)
}

// streamAnswer is the part of a streamed answer that has arrived.
type streamAnswer struct {
	id         string
	text       streamedText
	flow       []envelope.Part
	transcript streamedText // of recordings
	audioBytes int          // of recordings
	usage      usage
	unknown    []string // codes of unknown frames
	malformed  int      // frames and lines
	raw        []byte   // the beginning of the stream
	size       int      // bytes read

	ended bool       // the frame End has arrived
	err   *sdk.Error // of an error frame
	cause error      // read error before End or an error frame
}

// collect reads frames until End, an error frame or the end of the stream.
func (s *streamAnswer) collect(r io.Reader, header http.Header) {
	frames := newFrameReader(r)
	defer func() {
		s.malformed += frames.malformed
		s.raw, s.size = frames.raw, frames.read
	}()
	for !s.ended && s.err == nil {
		f, err := frames.next()
		if err != nil {
			s.cause = err
			return
		}
		code, ok := intOf(f.Code)
		if !ok {
			s.malformed++
			continue
		}
		if code >= minErrorCode || code < 0 {
			s.err = responseError(opSend, http.StatusOK, header, code)
			continue
		}
		if !s.add(code, f.Data) {
			s.malformed++
		}
	}
}

// add adds the data of one frame. It returns false if the data does not fit the code.
func (s *streamAnswer) add(code int, data jsontext.Value) bool {
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
		s.id = validID(idOf(info.MessageID))
	case frameText:
		return len(data) > 0 && s.text.add(data)
	case frameAudio:
		return s.addAudio(data)
	case frameFlow:
		return s.addFlow(data)
	case frameCost:
		s.usage = decodeUsage(data)
	default:
		if name := strconv.Itoa(code); !slices.Contains(s.unknown, name) {
			s.unknown = append(s.unknown, name)
		}
	}
	return true
}

// addAudio adds the transcript of a recording. It drops the bytes, because audio can only be sent as a link.
func (s *streamAnswer) addAudio(data jsontext.Value) bool {
	var a audioData
	if data.Kind() != '{' || decode(data, &a) != nil {
		return false
	}
	s.audioBytes += base64.StdEncoding.DecodedLen(len(a.Answer))
	return s.transcript.add(a.Transcript)
}

// addFlow adds the items of a flow's output and their recordings.
func (s *streamAnswer) addFlow(data jsontext.Value) bool {
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
	complete := true
	for _, item := range items {
		branch, component := text.Clip(item.Branch, maxLabelBytes), text.Clip(item.Component, maxLabelBytes)
		for _, p := range textParts(item.Content) {
			s.flow = append(s.flow, withLabels(p, branch, component))
		}
		var recordings []audioData
		if len(item.Audio) > 0 && item.Audio.Kind() != 'n' && decode(item.Audio, &recordings) != nil {
			complete = false
		}
		for _, a := range recordings {
			s.audioBytes += base64.StdEncoding.DecodedLen(len(a.Answer))
			if p, ok := audioPart(a.link(), text.Clip(stringOf(a.Transcript), envelope.MaxTextBytes)); ok {
				s.flow = append(s.flow, withLabels(p, branch, component))
			}
		}
	}
	return complete
}

// parts returns the answer's parts. Texts and transcripts that repeat each other or the flow's output are omitted.
func (s *streamAnswer) parts() []envelope.Part {
	parts := slices.Clone(s.flow)
	answer, transcript := s.text.String(), s.transcript.String()
	if answer != "" && !isRepeated(answer, s.flow) {
		parts = append(textParts(answer), parts...)
	}
	if transcript == "" || transcript == answer || isRepeated(transcript, s.flow) {
		return parts
	}
	for _, p := range textParts(transcript) {
		p.Attributes = map[string]string{attrAudio: "transcript"}
		parts = append(parts, p)
	}
	return parts
}

// audioData is a recording in a streamed answer. Code 39 has its bytes. Recordings of a flow have a link in one of two
// members, according to copies of GPTBots's pages.
type audioData struct {
	Answer     string         `json:"audioAnswer"` // base64
	Transcript jsontext.Value `json:"transcript"`
	URL        jsontext.Value `json:"url"`
	Audio      jsontext.Value `json:"audio"`
}

// link returns the recording's link, or "".
func (a *audioData) link() string {
	if s := stringOf(a.URL); s != "" {
		return s
	}
	return stringOf(a.Audio)
}
