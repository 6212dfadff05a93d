package conformance

import (
	"cmp"
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

// signing describes how calls of the vendor are signed: by a program. Window is how far the time of a call may be from
// the clock; 0 means that it is not known.
type signing struct {
	Command []string      `yaml:"command"`
	Window  time.Duration `yaml:"window"`
}

// proof is what a signer adds to a call.
type proof struct {
	Header map[string]string `json:"header"`
	Query  map[string]string `json:"query"`
	Error  string            `json:"error"`
}

func (p *proof) equal(q *proof) bool {
	return maps.Equal(p.Header, q.Header) && maps.Equal(p.Query, q.Query)
}

// of returns a copy of a call with a proof, which is not signed again.
func (p *proof) of(in *inbound) *inbound {
	for name, value := range p.Header {
		in = in.withHeader(name, value)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Query)) {
		in = in.withQuery(name, p.Query[name])
	}
	return in.with(func(in *inbound) { in.signed = true })
}

// sign returns a call as the vendor makes it now: with its signature, unless calls are not signed or this one is.
func (p *probe) sign(in *inbound) *inbound {
	if p.signer == nil || in.signed {
		return in
	}
	return p.prove(in, time.Now()).of(in)
}

// prove returns the proof of a call. An error is not the adapter's, and ends the suite.
func (p *probe) prove(in *inbound, at time.Time) *proof {
	plain := in.with(func(in *inbound) { in.target = p.data.Prefix + in.target }) // as the vendor calls it
	out, err := p.signer.prove(plain, at)
	if err != nil {
		p.abort(err)
	}
	return out
}

// signer is a running program of the test data that signs calls, each at a time always in the same way.
type signer struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	answers *json.Decoder
	said    transcript
	limit   time.Duration // of an answer
}

// newSigner starts the signer of a channel, nil if calls are not signed. The caller closes it.
func newSigner(ctx context.Context, d *channelData) (*signer, error) {
	if d.Sign == nil {
		return nil, nil
	}
	s := &signer{cmd: exec.CommandContext(ctx, d.Sign.Command[0], d.Sign.Command[1:]...)}
	s.limit = time.Minute // it may need to be compiled
	s.cmd.Dir, s.cmd.Stderr, s.cmd.WaitDelay = d.dir, &s.said, pipeGrace
	s.cmd.SysProcAttr, s.cmd.Cancel = &syscall.SysProcAttr{Setpgid: true}, s.kill
	stdout, errOut := s.cmd.StdoutPipe()
	stdin, errIn := s.cmd.StdinPipe()
	err := cmp.Or(errOut, errIn, s.cmd.Start())
	if err != nil {
		return nil, fmt.Errorf("start the signer %q in %s: %w", s.cmd, d.dir, err)
	}
	s.stdin, s.answers = stdin, json.NewDecoder(stdout)
	s.answers.DisallowUnknownFields()
	for now, i := time.Now(), 0; i < len(d.in) && err == nil; i++ {
		var first, again *proof
		if first, err = s.prove(d.in[i], now); err == nil {
			again, err = s.prove(d.in[i], now)
		}
		if err == nil && (len(first.Header)+len(first.Query) == 0 || !first.equal(again)) {
			err = fmt.Errorf("sign %s: answer with a header or a query, the same for the same call and time, "+
				"and make a nonce from the signed bytes", d.in[i])
		}
	}
	if err != nil {
		s.close()
	}
	return s, err
}

// close ends the program: at the end of its input, or else by a signal to its group. The signer may be nil.
func (s *signer) close() {
	if s == nil {
		return
	}
	_ = s.stdin.Close()
	defer time.AfterFunc(soon, func() { _ = s.kill() }).Stop()
	_ = s.cmd.Wait() // its exit code changes nothing any more
}

func (s *signer) kill() error { return syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) }

// prove makes the proof of a call that is made at a time: it writes a line and reads one, as README.md describes. An
// error ends the program.
func (s *signer) prove(in *inbound, at time.Time) (*proof, error) {
	path, query, _ := strings.Cut(in.target, "?")
	at = at.UTC().Truncate(time.Millisecond)
	header := map[string]string{}
	for name, values := range in.header {
		header[name] = strings.Join(values, ", ")
	}
	out, late := &proof{}, time.AfterFunc(s.limit, func() { _ = s.kill() })
	err := json.NewEncoder(s.stdin).Encode(map[string]any{
		"name": in.name, "time": at, "unix": at.Unix(), "method": in.method, "host": in.host, "path": path, "query": query,
		"header": header, "body": in.body,
	})
	if err == nil {
		err = s.answers.Decode(out)
	}
	switch {
	case !late.Stop():
		err = fmt.Errorf("no answer within %s: write a line for each that it reads, and flush it", s.limit)
	case err != nil:
		err = fmt.Errorf(`the answer must be a line like {"header": {"X-Signature": "…"}}: %w`, err)
	case out.Error != "":
		err = fmt.Errorf("it failed: %.300s", out.Error)
	default:
		return out, nil
	}
	_ = s.kill()
	_ = s.cmd.Wait() // so that all that it printed is there
	return nil, fmt.Errorf("sign %s by %q: %w%s", in, s.cmd, err, lastWords(&s.said))
}
