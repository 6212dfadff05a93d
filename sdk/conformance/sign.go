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

// signing has the program that signs calls. Window is the largest accepted time difference, 0 if it is not known.
type signing struct {
	Command []string      `yaml:"command"`
	Window  time.Duration `yaml:"window"`
}

// proof has the header and the query that a signer adds to a call, or the error that it reports.
type proof struct {
	Header map[string]string `json:"header"`
	Query  map[string]string `json:"query"`
	Error  string            `json:"error"`
}

func (p *proof) equal(q *proof) bool {
	return maps.Equal(p.Header, q.Header) && maps.Equal(p.Query, q.Query)
}

// addTo returns a copy of a call with the proof. The probe does not sign the copy again.
func (p *proof) addTo(in *inbound) *inbound {
	for name, value := range p.Header {
		in = in.withHeader(name, value)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Query)) {
		in = in.withQuery(name, p.Query[name])
	}
	return in.with(func(in *inbound) { in.signed = true })
}

// sign returns a call with the vendor's signature for the present time, or the call itself if it needs none.
func (p *probe) sign(in *inbound) *inbound {
	if p.signer == nil || in.signed {
		return in
	}
	return p.prove(in, time.Now()).addTo(in)
}

// prove returns the proof of a call. An error ends the suite, because it is not the adapter's.
func (p *probe) prove(in *inbound, at time.Time) *proof {
	plain := in.with(func(in *inbound) { in.target = p.data.Prefix + in.target }) // as the vendor calls it
	out, err := p.signer.prove(p.data.Channel, plain, at)
	p.abortIf(err)
	return out
}

// signer is a running program of the test data that signs calls. It gives the same proof for the same call and time.
type signer struct {
	cmd       *exec.Cmd
	stdin     io.WriteCloser
	responses *json.Decoder
	output    capturedOutput
	limit     time.Duration // of a response; the program may need to be compiled
}

// newSigner starts the signer of a channel, nil if calls are not signed. The caller closes it.
func newSigner(ctx context.Context, d *channelData) (*signer, error) {
	if d.Sign == nil {
		return nil, nil
	}
	s := &signer{cmd: exec.CommandContext(ctx, d.Sign.Command[0], d.Sign.Command[1:]...), limit: time.Minute}
	s.cmd.Dir, s.cmd.Stderr, s.cmd.WaitDelay = d.dir, &s.output, pipeGrace
	s.cmd.SysProcAttr, s.cmd.Cancel = &syscall.SysProcAttr{Setpgid: true}, s.kill
	stdout, errOut := s.cmd.StdoutPipe()
	stdin, errIn := s.cmd.StdinPipe()
	err := cmp.Or(errOut, errIn, s.cmd.Start())
	if err != nil {
		return nil, fmt.Errorf("start the signer %q in %s: %w", s.cmd, d.dir, err)
	}
	s.stdin, s.responses = stdin, json.NewDecoder(stdout)
	s.responses.DisallowUnknownFields()
	for now, i := time.Now(), 0; i < len(d.in) && err == nil; i++ {
		var first, again *proof
		if first, err = s.prove(d.Channel, d.in[i], now); err == nil {
			again, err = s.prove(d.Channel, d.in[i], now)
		}
		if err == nil && (len(first.Header)+len(first.Query) == 0 || !first.equal(again)) {
			err = fmt.Errorf("sign %s: the signer must respond with a header or a query that is the same for the same call "+
				"and time; if it needs a nonce, it must derive it from the signed bytes", d.in[i])
		}
	}
	if err != nil {
		s.close()
	}
	return s, err
}

// close ends the input of the program. If it does not end soon, close kills its group. The signer may be nil.
func (s *signer) close() {
	if s == nil {
		return
	}
	_ = s.stdin.Close()
	defer time.AfterFunc(soon, func() { _ = s.kill() }).Stop()
	_ = s.cmd.Wait() // its exit code changes nothing any more
}

func (s *signer) kill() error { return syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) }

// prove asks the program for the proof of a call by a line that README.md describes. An error ends the program.
func (s *signer) prove(channel string, in *inbound, at time.Time) (*proof, error) {
	path, query, _ := strings.Cut(in.target, "?")
	at = at.UTC().Truncate(time.Millisecond)
	header := map[string]string{}
	for name, values := range in.header {
		header[name] = strings.Join(values, ", ")
	}
	line, _ := json.Marshal(map[string]any{ // the body is never null
		"channel": channel, "name": in.name, "time": at, "unix": at.Unix(), "method": in.method, "host": in.host,
		"path": path, "query": query, "header": header, "body": append([]byte{}, in.body...),
	})
	out, late := &proof{}, time.AfterFunc(s.limit, func() { _ = s.kill() })
	_, err := s.stdin.Write(append(line, '\n'))
	if err == nil {
		err = s.responses.Decode(out)
	}
	switch {
	case !late.Stop():
		err = fmt.Errorf("no response within %s: for each line that it reads, the signer must write a line and flush it",
			s.limit)
	case err != nil:
		err = fmt.Errorf(`the response must be a line like {"header": {"X-Signature": "…"}}: %w`, err)
	case out.Error != "":
		err = fmt.Errorf("it failed: %.300s", out.Error)
	default:
		return out, nil
	}
	_ = s.kill()
	_ = s.cmd.Wait() // after it, the output is complete
	return nil, fmt.Errorf("sign %s by %q: %w%s; the call was %.600s", in, s.cmd, err, outputEnd(&s.output), line)
}
