package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// signing describes how calls of the vendor are signed: by a program.
type signing struct {
	Command []string `yaml:"command"`
	// Window is how far the time of a call may be from the clock; 0 means that it is not known.
	Window time.Duration `yaml:"window"`
}

// prepare checks the description.
func (s *signing) prepare() error {
	switch {
	case s == nil:
	case len(s.Command) == 0:
		return fmt.Errorf("command: missing; write a program that signs, with its arguments")
	case s.Window != 0 && s.Window < 4*windowMargin:
		return fmt.Errorf("window %s is too short to be tried; write at least %s, or leave it out", s.Window, 4*windowMargin)
	}
	return nil
}

// proof is what a signer adds to a call.
type proof struct {
	Header map[string]string `json:"header"`
	Query  map[string]string `json:"query"`
}

// equal reports whether two proofs are the same.
func (p *proof) equal(q *proof) bool {
	return maps.Equal(p.Header, q.Header) && maps.Equal(p.Query, q.Query)
}

// of returns a copy of a call with a proof, which is not signed again.
func (p *proof) of(in *inbound) *inbound {
	out := in.withBody(in.body)
	for name, value := range p.Header {
		out = out.withHeader(name, value)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Query)) {
		out = out.withQuery(name, p.Query[name])
	}
	out.signed = true
	return out
}

// sign returns a call as the vendor makes it now: with its signature, or as it is if calls are not signed or this one is.
func (p *probe) sign(in *inbound) *inbound {
	in = in.withBody([]byte(strings.ReplaceAll(string(in.body), vendorMark, p.vendor.base)))
	if p.signer == nil || in.signed {
		return in
	}
	return p.prove(in, time.Now()).of(in)
}

// prove returns the proof of a call. An error is not the adapter's, and ends the suite.
func (p *probe) prove(in *inbound, at time.Time) *proof {
	plain := in.withBody(in.body)
	plain.target = p.data.Prefix + strings.ReplaceAll(in.target, vendorMark, p.vendor.base) // as the vendor calls it
	out, err := p.signer.prove(p.ctx, plain, at)
	if err != nil {
		p.abort(err)
	}
	return out
}

// signRequest is one call to sign, a line on the program's standard input; see the package's documentation.
type signRequest struct {
	Name   string            `json:"name"`
	Time   time.Time         `json:"time"` // of the call, which is not the clock's
	Unix   int64             `json:"unix"` // the same in seconds
	Method string            `json:"method"`
	Host   string            `json:"host"`
	Path   string            `json:"path"`
	Query  string            `json:"query"`
	Header map[string]string `json:"header"`
	Body   []byte            `json:"body"` // in base64
}

// signer is a running program of the test data that signs calls: the same call at the same time always in the same way.
type signer struct {
	command string
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	answers *json.Decoder
	said    transcript

	limit time.Duration // of the next answer
	err   error         // of the first call that was not signed; after it, none is
}

// newSigner starts the signer of a channel, nil if calls are not signed, and signs each example twice. The caller closes it.
func newSigner(ctx context.Context, d *channelData) (*signer, error) {
	if d.Sign == nil {
		return nil, nil
	}
	s := &signer{command: strings.Join(d.Sign.Command, " "), limit: time.Minute} // the first may need to be compiled
	s.cmd = exec.Command(d.Sign.Command[0], d.Sign.Command[1:]...)
	s.cmd.Dir, s.cmd.Stderr, s.cmd.WaitDelay = d.dir, &s.said, pipeGrace
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := s.cmd.StdoutPipe()
	if err == nil {
		s.stdin, err = s.cmd.StdinPipe()
	}
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the signer %q in %s: %w", s.command, d.dir, err)
	}
	s.answers = json.NewDecoder(stdout)
	s.answers.DisallowUnknownFields()
	for at, i := time.Now(), 0; i < len(d.in) && err == nil; i++ {
		err = s.try(ctx, d.in[i], at)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// try signs an example twice.
func (s *signer) try(ctx context.Context, in *inbound, at time.Time) error {
	first, err := s.prove(ctx, in, at)
	if err != nil {
		return err
	}
	again, err := s.prove(ctx, in, at)
	switch {
	case err != nil:
		return err
	case len(first.Header)+len(first.Query) == 0:
		return fmt.Errorf("sign in/%s.http: the answer has neither header nor query", in.name)
	case !again.equal(first):
		return fmt.Errorf("sign in/%s.http: the same call at the same time is signed in two ways, so it is unknown what a "+
			"signature covers: make a nonce from the signed bytes", in.name)
	}
	return nil
}

// close ends the program: at the end of its input, or else by a signal to its group.
func (s *signer) close() {
	_ = s.stdin.Close()
	late := time.AfterFunc(soon, s.kill)
	defer late.Stop()
	_ = s.cmd.Wait() // its exit code changes nothing any more
}

// kill ends the program with all that it started.
func (s *signer) kill() { _ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) }

// prove makes the proof of a call that is made at a time.
func (s *signer) prove(ctx context.Context, in *inbound, at time.Time) (*proof, error) {
	if s.err != nil {
		return nil, s.err
	}
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	defer context.AfterFunc(ctx, s.kill)()
	p, err := s.ask(in, at)
	if ctx.Err() != nil {
		err = fmt.Errorf("no answer within %s: write a line for each that it reads, and flush it", s.limit)
	}
	if err != nil {
		s.kill()
		_ = s.cmd.Wait() // so that all that it printed is there
		s.err = fmt.Errorf("sign in/%s.http by %q: %w%s", in.name, s.command, err, lastWords(&s.said))
		return nil, s.err
	}
	s.limit = 5 * time.Second
	return p, nil
}

// ask writes a line and reads one.
func (s *signer) ask(in *inbound, at time.Time) (*proof, error) {
	path, query, _ := strings.Cut(in.target, "?")
	at = at.UTC().Truncate(time.Millisecond)
	r := signRequest{
		Name: in.name, Time: at, Unix: at.Unix(), Method: in.method, Host: in.host, Path: path, Query: query,
		Header: map[string]string{}, Body: in.body,
	}
	for name, values := range in.header {
		r.Header[name] = strings.Join(values, ", ")
	}
	if err := json.NewEncoder(s.stdin).Encode(r); err != nil {
		return nil, fmt.Errorf("it ended before the end of its input: %w", err)
	}
	var a struct {
		proof
		Error string `json:"error"`
	}
	if err := s.answers.Decode(&a); err != nil {
		return nil, fmt.Errorf(`the answer must be a line like {"header": {"X-Signature": "…"}}: %w`, err)
	}
	if a.Error != "" {
		return nil, fmt.Errorf("it failed: %.300s", a.Error)
	}
	return &a.proof, nil
}
