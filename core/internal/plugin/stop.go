package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk/protocol/pluginpb"
	"patchbay/sdk/text"
)

// killWait is the time that a killed process has to disappear.
const killWait = 2 * time.Second

// drain asks the process to finish its calls, and waits up to limit for their results.
func (s *session) drain(limit time.Duration) {
	ctx, cancel := context.WithTimeout(s.ctx, limit)
	defer cancel()
	resp, err := s.rpc.Drain(ctx, &pluginpb.DrainRequest{Timeout: durationpb.New(limit - limit/20)})
	if err != nil {
		s.log.Warn("drain failed", "error", err)
		return
	}
	if n := resp.GetRunning(); n > 0 {
		s.log.Warn("calls are still running after the drain", "calls", n)
		return
	}
	s.awaitCalls(ctx) // the response can overtake results on the streams
}

// awaitCalls waits until no call is pending or ctx ends.
func (s *session) awaitCalls(ctx context.Context) {
	t := time.NewTicker(time.Millisecond)
	defer t.Stop()
	for s.pendingCalls() > 0 {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// pendingCalls returns the number of calls without a result that do not hang.
func (s *session) pendingCalls() int {
	n := 0
	if s.receive != nil {
		n += s.receive.pendingCalls()
	}
	if s.deliver != nil {
		n += s.deliver.pendingCalls()
	}
	return n
}

// close ends the process, frees the session's resources and fails its calls with cause. The process has the time grace
// to exit; if grace is 0, it is killed immediately. close returns an error if the process could not be killed.
func (s *session) close(grace time.Duration, cause error) error {
	if grace <= 0 {
		s.proc.kill()
	}
	var library sync.WaitGroup
	library.Go(s.client.Kill) // asks the process to exit; returns after its end
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
	s.removeDir()
	if stuck {
		return fmt.Errorf("kill process %d of adapter %s: still running after %s",
			s.proc.pid(), s.host.opts.Name, killWait)
	}
	return nil
}

// abort frees the resources of a session whose process was not started.
func (s *session) abort() {
	s.cancel(errStopped)
	s.client.Kill()
	s.removeDir()
}

func (s *session) removeDir() {
	if err := os.RemoveAll(s.dir); err != nil {
		s.log.Warn("socket folder not removed", "error", err)
	}
}

// failCalls ends pending calls. The goroutines of the streams must have ended before.
func (s *session) failCalls(cause error) {
	var receives, delivers stoppedCalls
	if s.receive != nil {
		receives = s.receive.close()
	}
	if s.deliver != nil {
		delivers = s.deliver.close()
	}
	fetches, probations := int(s.fetches.Load()), int(s.probations.Load())
	switch {
	case reasonOf(cause, "") == reasonHung:
		s.blamed = receives.hung+delivers.hung > 0 || s.fetchHung.Load()
		s.hadResult = receives.hung > 0 && receives.hadResult || delivers.hung > 0 && delivers.hadResult
	case errors.Is(cause, errStopped): // no call is blamed
	case receives.sent+delivers.sent > 0:
		s.blamed = receives.sent == 1 || delivers.sent == 1
		s.hadResult = receives.sent == 1 && receives.hadResult || delivers.sent == 1 && delivers.hadResult
	case fetches+probations > 0:
		s.blamed, s.hadResult = true, receives.hadResult || delivers.hadResult
	}
	broke := func(same, others int) func(bool) error {
		return func(hung bool) error { return s.brokeError(cause, hung, same, others) }
	}
	if s.receive != nil {
		s.receive.fail(broke(receives.sent, delivers.sent+fetches+probations))
	}
	if s.deliver != nil {
		s.deliver.fail(broke(delivers.sent, receives.sent+fetches+probations))
	}
	s.fetchBroke = s.brokeError(cause, false, fetches, receives.sent+delivers.sent+probations)
	s.subscribeBroke = s.brokeError(cause, false, probations, receives.sent+delivers.sent+fetches)
}

// brokeError returns the error for a call that the end of the process interrupted. Hung is set if this call hung; for
// same and others see weightOf.
func (s *session) brokeError(cause error, hung bool, same, others int) *BrokeError {
	e := &BrokeError{Name: s.host.opts.Name, Fault: FaultDied, Text: s.crashText(cause)}
	switch {
	case hung:
		e.Fault, e.Weight = FaultHung, WeightCertain
	case reasonOf(cause, "") == reasonHung:
		e.Fault = FaultHung
	case !errors.Is(cause, errStopped):
		e.Weight = weightOf(same, others)
	}
	return e
}

// crashText returns the panic of the process, or else cause with the last lines of the log output.
func (s *session) crashText(cause error) string {
	if panicText := s.proc.lines.panicText(); panicText != "" {
		return panicText
	}
	if tail := s.proc.lines.tailText(); tail != "" {
		return cause.Error() + "\n" + tail
	}
	return cause.Error()
}

// lastLine returns the first line of the panic, or else the last line of the log output, which can be "".
func (s *session) lastLine() string {
	if panicText := s.proc.lines.panicText(); panicText != "" {
		return text.FirstLine(panicText)
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
