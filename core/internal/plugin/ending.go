package plugin

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk/protocol/pluginpb"
)

// drain asks the process to finish its calls and waits for their results, up to limit.
func (s *session) drain(limit time.Duration) {
	ctx, cancel := context.WithTimeout(s.ctx, limit)
	defer cancel()
	resp, err := s.rpc.Drain(ctx, &pluginpb.DrainRequest{Timeout: durationpb.New(limit - limit/20)})
	if err != nil {
		s.log.Warn("drain failed", "error", err)
		return
	}
	if n := resp.GetRunning(); n > 0 {
		s.log.Warn("calls were still running after the drain", "calls", n)
		return
	}
	// The answer can overtake results on the streams.
	t := time.NewTicker(time.Millisecond)
	defer t.Stop()
	for s.waiting() > 0 {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *session) waiting() int {
	n := 0
	if s.receive != nil {
		n += s.receive.waiting()
	}
	if s.deliver != nil {
		n += s.deliver.waiting()
	}
	return n
}

// close ends the process and everything of the session, and fails its calls. A process that is to exit by itself is
// given grace; 0 kills at once. Calls that are still with it fail because of cause. It returns an error if the process
// could not be ended.
func (s *session) close(grace time.Duration, cause error) error {
	if grace <= 0 {
		s.proc.kill()
	}
	var library sync.WaitGroup
	library.Go(s.client.Kill) // asks it to exit; returns soon after the process is gone, not before
	if !waitClosed(s.proc.exited, max(grace, 0)) {
		s.proc.kill()
	}
	stuck := !waitClosed(s.proc.exited, killWait)
	s.cancel(cause)
	if !stuck {
		library.Wait()
	}
	s.mu.Lock()
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.tasks.Wait()
	for _, w := range s.printed {
		w.flush()
	}
	s.failCalls(cause)
	if err := os.RemoveAll(s.dir); err != nil {
		s.log.Warn("could not remove the socket folder", "error", err)
	}
	if stuck {
		return fmt.Errorf("process %d of adapter %s can't be killed", s.proc.pid(), s.host.opts.Name)
	}
	return nil
}

// abort frees what a session has whose process never ran.
func (s *session) abort() {
	s.cancel(errStopped)
	s.client.Kill()
	if err := os.RemoveAll(s.dir); err != nil {
		s.log.Warn("could not remove the socket folder", "error", err)
	}
}

// killWait is how long a killed process may take to disappear; only the kernel can make it longer.
const killWait = 2 * time.Second

// failCalls ends what is still waiting. All goroutines of the streams have ended.
func (s *session) failCalls(cause error) {
	sent := 0
	if s.receive != nil {
		sent += s.receive.close()
	}
	if s.deliver != nil {
		sent += s.deliver.close()
	}
	died := &DiedError{Name: s.host.opts.Name, Alone: sent == 1, Text: s.lastWords(cause)}
	if s.receive != nil {
		s.receive.fail(died)
	}
	if s.deliver != nil {
		s.deliver.fail(died)
	}
}

// lastWords says why the process ended, in full: its panic if it had one, else the cause and its last lines.
func (s *session) lastWords(cause error) string {
	if text := s.proc.lines.panicText(); text != "" {
		return text
	}
	text := cause.Error()
	if tail := s.proc.lines.tailText(); tail != "" {
		text += "\n" + tail
	}
	return text
}

// lastWord is lastWords in one line, "" if the process said nothing.
func (s *session) lastWord() string {
	if text := s.proc.lines.panicText(); text != "" {
		return firstLine(text)
	}
	tail := s.proc.lines.tailText()
	return tail[strings.LastIndexByte(tail, '\n')+1:]
}

// waitClosed reports whether c was closed within d.
func waitClosed(c <-chan struct{}, d time.Duration) bool {
	select {
	case <-c:
		return true
	default:
	}
	if d <= 0 {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-c:
		return true
	case <-t.C:
		return false
	}
}
