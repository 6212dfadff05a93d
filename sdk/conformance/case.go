package conformance

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// inbound is a call of the vendor, read from in/NAME.http. Its with methods return changed copies.
type inbound struct {
	name   string
	method string
	target string // path and query
	host   string
	header http.Header
	body   []byte
	signed bool // the header has a signature, or deliberately has none
}

func (in *inbound) String() string { return "in/" + in.name + ".http" }

// exchange is a call of the gateway, with the requests to the vendor that it needs, read from out/NAME.http.
type exchange struct {
	name   string
	action string // deliver, open, fetch or subscribe
	call   json.RawMessage
	steps  []*step
}

func (x *exchange) String() string { return "out/" + x.name + ".http" }

// with returns a copy with another value at a dotted path of the call.
func (x *exchange) with(path string, value any) *exchange {
	out := *x
	tree, _ := decodeJSON(x.call) // it was valid when it was loaded
	tree, _ = edit(tree, path, func(any) any { return value })
	out.call = goldenText(tree)
	return &out
}

// tokens returns the long words in the header of the request with the effect that are in a response to a once request.
func (x *exchange) tokens() (out []string) {
	for _, to := range x.steps {
		for _, word := range strings.Fields(strings.NewReplacer("[", " ", "]", " ").Replace(fmt.Sprint(to.header))) {
			for _, from := range x.steps {
				const long = 8 // longer than Bearer
				if to.effect && from.once && len(word) >= long && bytes.Contains(from.responseBody, []byte(word)) {
					out = append(out, word)
				}
			}
		}
	}
	return out
}

type step struct {
	once   bool // optional: an earlier exchange may have made the request
	effect bool // the purpose of the call; the other requests prepare it
	method string
	target string
	header http.Header
	body   []byte

	status         int
	responseHeader http.Header
	responseBody   []byte
}

// parseInbound reads a raw HTTP request. It ignores earlier lines that are empty or begin with #, and a final line end.
func parseInbound(name string, text []byte) (*inbound, error) {
	text = bytes.TrimSuffix(text, []byte("\n"))
	for bytes.HasPrefix(text, []byte("#")) || bytes.HasPrefix(text, []byte("\n")) {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	first, header, body, err := parseMessage(text)
	if err != nil {
		return nil, err
	}
	in := &inbound{name: name, host: cmp.Or(header.Get("Host"), "gateway.example.com"), header: header, body: body}
	header.Del("Host")
	in.method, in.target, err = parseRequestLine(first)
	return in, err
}

func parseRequestLine(line string) (method, target string, err error) {
	words := strings.Fields(line)
	if len(words) < 2 || len(words) > 3 || !strings.HasPrefix(words[1], "/") {
		return "", "", fmt.Errorf("%q is not a request line; write it like POST /hooks/shop HTTP/1.1", line)
	}
	return words[0], words[1], nil
}

func parseMessage(text []byte) (first string, header http.Header, body []byte, err error) {
	const end = "\n\n" // ends the header of a message without a body
	r := textproto.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(text), strings.NewReader(end))))
	first, _ = r.ReadLine() // reading from memory does not fail
	fields, err := r.ReadMIMEHeader()
	if err != nil {
		return "", nil, nil, fmt.Errorf("%w; a blank line ends the header", err)
	}
	body, _ = io.ReadAll(r.R)
	return strings.TrimSpace(first), http.Header(fields), bytes.TrimSuffix(body, []byte(end)), nil
}

// parseExchange reads blocks below ### and a word: the action with its JSON, then pairs of request and response.
func parseExchange(name string, text []byte) (*exchange, error) {
	x := &exchange{name: name}
	_, rest, _ := strings.Cut("\n"+string(text), "\n### ")
	for i, block := range strings.Split(rest, "\n### ") {
		title, content, _ := strings.Cut(block, "\n")
		word, flag, _ := strings.Cut(strings.TrimSpace(title), " ")
		if err := x.addBlock(word, flag, strings.Trim(content, "\n")); err != nil {
			return nil, fmt.Errorf("block %d (%s): %w", i+1, title, err)
		}
	}
	marked := slices.ContainsFunc(x.steps, func(s *step) bool { return s.effect })
	for i, s := range x.steps {
		if s.status == 0 {
			return nil, fmt.Errorf("request %s %s has no response", s.method, s.target)
		}
		s.effect = s.effect || !marked && i == len(x.steps)-1
	}
	return x, nil
}

func (x *exchange) addBlock(word, flag, content string) (err error) {
	actions := []string{"deliver", "open", "fetch", "subscribe"}
	if x.action == "" || slices.Contains(actions, word) {
		if x.action != "" || !slices.Contains(actions, word) || flag != "" {
			return fmt.Errorf("begin the file with one block ### and %s", strings.Join(actions, ", "))
		}
		x.action, x.call = word, json.RawMessage(content)
		if e, invalid := errors.AsType[*json.SyntaxError](json.Unmarshal(x.call, new(any))); invalid {
			return fmt.Errorf("not valid JSON in line %d of the block: %w", 2+strings.Count(content[:e.Offset], "\n"), e)
		}
		return nil
	}
	first, header, body, err := parseMessage([]byte(content))
	if err != nil {
		return err
	}
	switch last := len(x.steps) - 1; {
	case word == "request" && (flag == "" || flag == "once" || flag == "effect"):
		s := &step{once: flag == "once", effect: flag == "effect", header: header, body: body}
		s.method, s.target, err = parseRequestLine(first)
		x.steps = append(x.steps, s)
		return err
	case word == "response" && flag == "" && last >= 0 && x.steps[last].status == 0:
		code, _, _ := strings.Cut(strings.TrimPrefix(first, "HTTP/1.1 "), " ")
		s := x.steps[last]
		s.responseHeader, s.responseBody = header, body
		if s.status, err = strconv.Atoi(code); err != nil || s.status < 100 || s.status > 599 {
			return fmt.Errorf("%q is not a status; write it like 200", first)
		}
		return nil
	}
	return fmt.Errorf("not expected here; write pairs of request (or request once, request effect) and response")
}

func (in *inbound) with(change func(*inbound)) *inbound {
	out := *in
	out.header = maps.Clone(in.header)
	change(&out)
	return &out
}

func (in *inbound) withBody(body []byte) *inbound {
	return in.with(func(in *inbound) { in.body = body })
}

// withHeader returns a copy in which a header field has these values. No values remove it.
func (in *inbound) withHeader(name string, values ...string) *inbound {
	return in.with(func(in *inbound) {
		if in.header.Del(name); len(values) > 0 {
			in.header[http.CanonicalHeaderKey(name)] = values
		}
	})
}

// withQuery returns a copy with these values of a query parameter, after the others. No values remove it.
func (in *inbound) withQuery(name string, values ...string) *inbound {
	path, raw, _ := strings.Cut(in.target, "?")
	pairs := slices.DeleteFunc(strings.Split(raw, "&"), func(pair string) bool {
		return pair == "" || strings.HasPrefix(pair+"=", url.QueryEscape(name)+"=")
	})
	for _, v := range values {
		pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(v))
	}
	return in.with(func(in *inbound) { in.target = strings.TrimSuffix(path+"?"+strings.Join(pairs, "&"), "?") })
}

// tree returns the body as a JSON tree, nil if it is not JSON.
func (in *inbound) tree() any {
	tree, _ := decodeJSON(in.body)
	return tree
}

func (in *inbound) withTree(tree any) *inbound {
	b, _ := json.Marshal(tree) // trees come from JSON
	return in.withBody(b)
}

// withMember returns a copy with another value of the member at a dotted path. Without this member, it returns in.
func (in *inbound) withMember(path string, value any) *inbound {
	if tree, ok := edit(in.tree(), path, func(any) any { return value }); ok {
		return in.withTree(tree)
	}
	return in
}
