package plugin

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// exitGrace is the time that a process which closed its streams has to exit before it is killed.
const exitGrace = 200 * time.Millisecond

// hangDrain is the time that the other calls have to end before the process of a hung call is killed. It is shorter
// than Options.HoldTimeout, so that webhooks that arrive meanwhile are not refused.
const hangDrain = 2 * time.Second

// supervisor is the state of Run. It belongs to one goroutine on one OS thread.
type supervisor struct {
	host   *Host
	opts   *Options
	budget restartBudget
}

// stuckError means that a process could not be killed.
type stuckError struct{ error }

func newSupervisor(h *Host) *supervisor {
	return &supervisor{host: h, opts: &h.opts, budget: restartBudget{opts: &h.opts}}
}

func (s *supervisor) run(ctx context.Context) error {
	runtime.LockOSThread() // the kernel kills the adapter when the thread that forked it ends
	defer runtime.UnlockOSThread()
	var result error
	for instance := 1; ctx.Err() == nil; instance++ {
		end := s.runInstance(ctx, instance)
		if stuck, ok := errors.AsType[*stuckError](end.cause); ok {
			result = errors.Join(result, stuck)
		}
		if ctx.Err() != nil {
			break
		}
		s.pause(ctx, end)
	}
	s.host.update(func(st *Status) { st.State, st.PID, st.NextStart = StateStopped, 0, time.Time{} })
	return result
}

// runInstance runs one process from its start to its end.
func (s *supervisor) runInstance(ctx context.Context, n int) ending {
	h := s.host
	h.update(func(st *Status) {
		st.State, st.Instance, st.Unhealthy, st.NextStart = StateVerifying, n, nil, time.Time{}
	})
	if err := verifyCommand(s.opts.Command); err != nil {
		return ending{cause: err}
	}
	sess, err := s.launch(ctx, n)
	if err != nil {
		if sess != nil {
			err = s.discard(sess, err)
		}
		return ending{cause: err}
	}
	start := time.Now()
	version := sess.description.GetVersion()
	h.update(func(st *Status) { st.State, st.Reason, st.Version = StateReady, "", version })
	h.log.Info("adapter ready", "instance", n, "pid", sess.proc.pid(), "version", version)
	err = s.watch(ctx, sess)
	return ending{cause: err, uptime: time.Since(start), blamed: sess.blamed, hadResult: sess.hadResult}
}

// watch waits until the session fails, a restart is requested or ctx ends. It returns after the end of the process.
func (s *supervisor) watch(ctx context.Context, sess *session) error {
	for {
		select {
		case <-sess.ctx.Done():
			s.host.session.Store(nil)
			s.host.update(func(st *Status) { st.State, st.NextStart = StateBackoff, time.Now() })
			return s.discard(sess, context.Cause(sess.ctx))
		case <-ctx.Done():
			return s.stop(sess)
		case call := <-sess.hangs:
			return s.replaceHung(ctx, sess, call)
		case requested := <-s.host.restart:
			if requested == sess {
				if err := s.stop(sess); err != nil {
					return err
				}
				return endedBy(reasonRequested, "restart requested")
			}
		}
	}
}

// replaceHung ends a process in which a call hangs, after the other calls had a moment to end.
func (s *supervisor) replaceHung(ctx context.Context, sess *session, call string) error {
	s.host.session.Store(nil)
	s.host.update(func(st *Status) { st.State = StateDraining })
	limit, cancel := context.WithTimeout(ctx, hangDrain)
	defer cancel()
	defer context.AfterFunc(sess.ctx, cancel)()
	sess.awaitCalls(limit)
	return s.discard(sess, endedBy(reasonHung,
		"%s did not end within %s after it was canceled", call, s.opts.CancelGrace))
}

// stop drains a session and ends its process.
func (s *supervisor) stop(sess *session) error {
	s.host.session.Store(nil)
	s.host.update(func(st *Status) { st.State = StateDraining })
	sess.drain(s.opts.DrainTimeout)
	err := sess.close(s.opts.StopTimeout, errStopped)
	close(sess.retired)
	if err != nil {
		return &stuckError{err}
	}
	s.host.log.Info("adapter stopped", "instance", sess.instance, "exit", sess.proc.exit)
	return nil
}

// discard closes a session that failed, kills its process, and returns the most specific reason.
func (s *supervisor) discard(sess *session, cause error) error {
	if reasonOf(cause, "") == reasonStream {
		waitClosed(sess.proc.exited, exitGrace)
	}
	select {
	case <-sess.proc.exited:
		if reasonOf(cause, "") == reasonStream {
			cause = endedBy(reasonExited, "the process ended: %s", sess.proc.exit)
		}
	default:
	}
	var err error
	if sess.proc.pid() == 0 { // not started
		sess.abort()
	} else {
		err = sess.close(0, cause)
	}
	if line := sess.lastLine(); line != "" && !errors.Is(cause, errStopped) {
		cause = fmt.Errorf("%w: %s", cause, line)
	}
	s.host.update(func(st *Status) { st.PID = 0 })
	close(sess.retired)
	if err != nil {
		return errors.Join(cause, &stuckError{err})
	}
	return cause
}

// pause waits until the next start: for the delay of the restart budget, or until an operator requests a restart.
func (s *supervisor) pause(ctx context.Context, end ending) {
	h, cause := s.host, end.cause
	reason := reasonOf(cause, reasonExited)
	h.metrics.restarts[reason].Inc()
	next := s.budget.next(time.Now(), reason, end)
	state := StateBackoff
	if next.quarantine {
		state = StateQuarantined
	}
	h.update(func(st *Status) {
		st.State, st.PID, st.Unhealthy, st.Restarts = state, 0, nil, st.Restarts+1
		st.Reason, st.NextStart = reason, time.Now().Add(next.delay)
		if cause != nil && reason != reasonRequested {
			st.LastError = h.redactor.redact(cause.Error())
		}
	})
	if reason != reasonRequested {
		h.log.Error("adapter ended", "reason", reason, "error", cause, "uptime_seconds", end.uptime.Seconds(),
			"state", string(state), "next_start_seconds", next.delay.Seconds())
	}
	if next.delay <= 0 {
		return
	}
	t := time.NewTimer(next.delay)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			return
		case <-ctx.Done():
			return
		case requested := <-h.restart:
			if requested == nil { // otherwise the request meant the process that has ended
				return
			}
		}
	}
}
