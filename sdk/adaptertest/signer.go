package adaptertest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Limits of a program that signs: the first answer may need to compile it.
const (
	firstSignature = time.Minute
	nextSignature  = 5 * time.Second
	maxSignature   = 1 << 20 // of a line that it writes
)

// signRequest is one call to sign, a line on the program's standard input. Its form is documented in the package's
// documentation and never loses a member.
type signRequest struct {
	Name   string            `json:"name"`
	Time   time.Time         `json:"time"` // when the call is made: not the clock's
	Unix   int64             `json:"unix"` // the same in seconds
	Method string            `json:"method"`
	Host   string            `json:"host"`
	Path   string            `json:"path"`
	Query  string            `json:"query"`
	Header map[string]string `json:"header"`
	Body   []byte            `json:"body"` // in base64
}

// signAnswer is the line that the program writes for each that it reads.
type signAnswer struct {
	proof
	Error string `json:"error"`
}

// signerProgram is a running program of the exam data that signs calls. It is not safe for concurrent use.
type signerProgram struct {
	command string
	cmd     *exec.Cmd
	stdin   *os.File
	stdout  *os.File
	lines   *bufio.Reader
	said    transcript
	limit   time.Duration // of the next answer
	err     error         // of the first call that was not signed; after it, none is
}

// startSigner starts the program of a channel in the folder of its exam data.
func startSigner(d *channelData) (*signerProgram, error) {
	s := &signerProgram{command: strings.Join(d.Sign.Command, " "), limit: firstSignature}
	childIn, stdin, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the signer: %w", err)
	}
	stdout, childOut, err := os.Pipe()
	if err != nil {
		_, _ = childIn.Close(), stdin.Close()
		return nil, fmt.Errorf("start the signer: %w", err)
	}
	s.stdin, s.stdout, s.lines = stdin, stdout, bufio.NewReader(stdout)
	s.cmd = exec.Command(d.Sign.Command[0], d.Sign.Command[1:]...)
	s.cmd.Dir, s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = d.dir, childIn, childOut, &s.said
	s.cmd.SysProcAttr, s.cmd.WaitDelay = &syscall.SysProcAttr{Setpgid: true}, pipeGrace
	err = s.cmd.Start()
	_, _ = childIn.Close(), childOut.Close()
	if err != nil {
		_, _ = stdin.Close(), stdout.Close()
		return nil, fmt.Errorf("start the signer %q in %s: %w", s.command, d.dir, err)
	}
	return s, nil
}

// close ends the program: at the end of its input, or else by a signal to its group.
func (s *signerProgram) close() {
	_ = s.stdin.Close()
	if s.err != nil && s.cmd.ProcessState == nil {
		s.kill()
	}
	s.wait(soon)
	_ = s.stdout.Close()
}

// kill ends the program with all that it started.
func (s *signerProgram) kill() { _ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) }

// wait waits for the program's end, and brings it about after limit.
func (s *signerProgram) wait(limit time.Duration) {
	late := time.AfterFunc(limit, s.kill)
	defer late.Stop()
	_ = s.cmd.Wait() // what it exits with changes nothing any more
}

// prove implements signer.
func (s *signerProgram) prove(ctx context.Context, in *inbound, at time.Time) (*proof, error) {
	if s.err != nil {
		return nil, s.err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.stdout.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	p, err := s.ask(in, at)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		s.err = fmt.Errorf("sign in/%s.http: the signer %q %w", in.name, s.command, err)
		return nil, s.err
	}
	return p, nil
}

// ask writes a line and reads one. Errors go on from the program's name.
func (s *signerProgram) ask(in *inbound, at time.Time) (*proof, error) {
	path, query, _ := strings.Cut(in.target, "?")
	at = at.UTC().Truncate(time.Millisecond)
	r := signRequest{
		Name: in.name, Time: at, Unix: at.Unix(), Method: in.method, Host: in.host, Path: path, Query: query,
		Header: map[string]string{}, Body: in.body,
	}
	for name, values := range httpHeader(in.header) {
		r.Header[name] = strings.Join(values, ", ")
	}
	line, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("can't be asked: %w", err)
	}
	deadline := time.Now().Add(s.limit)
	_, _ = s.stdin.SetWriteDeadline(deadline), s.stdout.SetReadDeadline(deadline)
	if _, err := s.stdin.Write(append(line, '\n')); err != nil {
		return nil, s.gone(err)
	}
	text, err := s.line()
	if err != nil {
		return nil, s.gone(err)
	}
	s.limit = nextSignature
	return readProof(text)
}

// line reads one line of bounded length.
func (s *signerProgram) line() ([]byte, error) {
	var out []byte
	for {
		piece, err := s.lines.ReadSlice('\n')
		out = append(out, piece...)
		if err == nil {
			return out, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if len(out) > maxSignature {
			return nil, fmt.Errorf("wrote a line of more than %d bytes", maxSignature)
		}
	}
}

// gone says why there is no answer.
func (s *signerProgram) gone(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("gave no answer within %s: it must write a line for each that it reads, and flush it%s", s.limit, lastWords(&s.said))
	}
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) {
		_ = s.stdin.Close()
		s.wait(pipeGrace) // so that all of its words are there
		return fmt.Errorf("ended: it must read until the end of its input%s", lastWords(&s.said))
	}
	return err
}

// readProof reads an answer.
func readProof(line []byte) (*proof, error) {
	var a signAnswer
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&a); err != nil {
		return nil, fmt.Errorf(`wrote %.200q: it must be a line like {"header": {"X-Signature": "…"}} (%w)`, bytes.TrimSpace(line), err)
	}
	if a.Error != "" {
		return nil, fmt.Errorf("said: %.300s", a.Error)
	}
	for name, value := range a.Header {
		if name == "" || strings.ContainsAny(name, " \t\r\n:") || strings.ContainsAny(value, "\r\n") {
			return nil, fmt.Errorf("wrote the header field %.100q: %.100q, which can't be sent", name, value)
		}
	}
	return &a.proof, nil
}
