package adaptertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// field is one header field as it is written.
type field struct{ name, value string }

// inbound is a vendor's call, read from in/NAME.http.
type inbound struct {
	name   string
	method string
	target string // path and query
	host   string
	header []field
	body   []byte
	signed bool // the header has a signature, or is to have none
}

// exchange is a call of the gateway and what it makes of the vendor, read from out/NAME.http.
type exchange struct {
	name   string
	action string // deliver, open, fetch or listen
	call   json.RawMessage
	steps  []*step
}

// step is one expected request and its answer.
type step struct {
	once   bool // may be left out, if an earlier exchange made it
	effect bool // what the call is for; the others prepare it
	method string
	target string
	header []field
	body   []byte

	status       int
	answerHeader []field
	answerBody   []byte
}

// parseInbound reads a raw HTTP request. Lines that begin with # before it are comments; one line end at the end of the
// file does not count.
func parseInbound(name string, text []byte) (*inbound, error) {
	text = bytes.TrimSuffix(text, []byte("\n"))
	for bytes.HasPrefix(text, []byte("#")) || bytes.HasPrefix(text, []byte("\n")) {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	first, header, body, err := parseMessage(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	words := strings.Fields(first)
	if len(words) < 2 || len(words) > 3 || !strings.HasPrefix(words[1], "/") {
		return nil, fmt.Errorf("%s: %q is not a request line; write it like POST /hooks/shop HTTP/1.1", name, first)
	}
	in := &inbound{name: name, method: words[0], target: words[1], host: "gateway.example.com", header: header, body: body}
	for i, f := range header {
		if strings.EqualFold(f.name, "Host") {
			in.host = f.value
			in.header = append(append([]field{}, header[:i]...), header[i+1:]...)
			break
		}
	}
	return in, nil
}

// parseMessage splits a message into its first line, header and body.
func parseMessage(text []byte) (string, []field, []byte, error) {
	head, body, _ := bytes.Cut(append(text, '\n'), []byte("\n\n"))
	body = bytes.TrimSuffix(body, []byte("\n"))
	lines := strings.Split(strings.TrimRight(string(head), "\n"), "\n")
	var header []field
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r"), ":")
		if !ok {
			return "", nil, nil, fmt.Errorf("%q is not a header field; a blank line ends the header", line)
		}
		header = append(header, field{name: strings.TrimSpace(name), value: strings.TrimSpace(value)})
	}
	return strings.TrimSpace(lines[0]), header, body, nil
}

// actions are what the first block of an exchange can be.
var actions = map[string]bool{"deliver": true, "open": true, "fetch": true, "listen": true}

// parseExchange reads blocks that each begin with a line of ### and a word: the action with its JSON, then pairs of
// request and answer.
func parseExchange(name string, text []byte) (*exchange, error) {
	x := &exchange{name: name}
	_, rest, _ := strings.Cut("\n"+string(text), "\n### ")
	for i, block := range strings.Split(rest, "\n### ") {
		title, content, _ := strings.Cut(block, "\n")
		content = strings.Trim(content, "\n")
		words := strings.Fields(title)
		if len(words) == 0 {
			return nil, fmt.Errorf("%s: block %d has no name; write ### and deliver, open, fetch, listen, request or answer",
				name, i+1)
		}
		if err := x.addBlock(words, content); err != nil {
			return nil, fmt.Errorf("%s: block %d (%s): %w", name, i+1, title, err)
		}
	}
	if x.action == "" {
		return nil, fmt.Errorf("%s: has no block ### deliver, open, fetch or listen", name)
	}
	return x, x.finish()
}

func (x *exchange) addBlock(words []string, content string) error {
	switch {
	case actions[words[0]]:
		if x.action != "" {
			return fmt.Errorf("a second call; write another file")
		}
		x.action, x.call = words[0], json.RawMessage(content)
		if !json.Valid(x.call) {
			return fmt.Errorf("not valid JSON")
		}
	case words[0] == "request":
		return x.addRequest(words[1:], content)
	case words[0] == "answer":
		return x.addAnswer(content)
	default:
		return fmt.Errorf("unknown; write deliver, open, fetch, listen, request or answer")
	}
	return nil
}

func (x *exchange) addRequest(flags []string, content string) error {
	s := &step{}
	for _, flag := range flags {
		switch flag {
		case "once":
			s.once = true
		case "effect":
			s.effect = true
		default:
			return fmt.Errorf("%q is unknown behind request; write once or effect", flag)
		}
	}
	first, header, body, err := parseMessage([]byte(content))
	if err != nil {
		return err
	}
	method, target, ok := strings.Cut(first, " ")
	if target, _, _ = strings.Cut(target, " "); !ok || !strings.HasPrefix(target, "/") {
		return fmt.Errorf("%q is not a request line; write it like POST /v1/messages", first)
	}
	s.method, s.target, s.header, s.body = method, target, header, body
	x.steps = append(x.steps, s)
	return nil
}

func (x *exchange) addAnswer(content string) error {
	if len(x.steps) == 0 || x.steps[len(x.steps)-1].status != 0 {
		return fmt.Errorf("has no request before it")
	}
	s := x.steps[len(x.steps)-1]
	first, header, body, err := parseMessage([]byte(content))
	if err != nil {
		return err
	}
	code, _, _ := strings.Cut(strings.TrimPrefix(first, "HTTP/1.1 "), " ")
	if s.status, err = strconv.Atoi(code); err != nil || s.status < 100 || s.status > 599 {
		return fmt.Errorf("%q is not a status; write it like 200", first)
	}
	s.answerHeader, s.answerBody = header, body
	return nil
}

// finish checks that every request has an answer, and makes the last one the effect if none is marked.
func (x *exchange) finish() error {
	marked := false
	for _, s := range x.steps {
		if s.status == 0 {
			return fmt.Errorf("%s: request %s %s has no answer", x.name, s.method, s.target)
		}
		marked = marked || s.effect
	}
	if !marked && len(x.steps) > 0 {
		x.steps[len(x.steps)-1].effect = true
	}
	return nil
}

// httpHeader returns fields in the form of net/http.
func httpHeader(fields []field) http.Header {
	h := http.Header{}
	for _, f := range fields {
		h.Add(f.name, f.value)
	}
	return h
}
