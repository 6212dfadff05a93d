package writer

import "time"

// failures counts the failed decisions of a batch on pending envelopes. After a failure only the first envelope is
// decided on, and after another failure it becomes a dead letter.
type failures struct {
	n     int
	cause string // of the last one
}

func (f *failures) decide(many func(), one func(cause string)) {
	switch f.n {
	case 0:
		many()
	case 1:
		one("")
	default:
		one(f.cause)
	}
}

// add counts a failure, and reports whether the decision on the dead letter has failed too.
func (f *failures) add(cause string) (giveUp bool) {
	f.n++
	f.cause = cause
	return f.n > 2
}

// pendingRetry is the time until the next try after a failed decision on the dead letter.
const pendingRetry = time.Minute

func (w *Writer) admissionFailed(b *batch, why string) {
	if b.admission.add(why) {
		b.admitPending, w.admitAt = false, w.Now().Add(pendingRetry)
		w.pendingFrom = w.admitAt // an expired envelope of a customer still needs an admission
	}
}

func (w *Writer) expiryFailed(b *batch, why string) {
	if b.expiry.add(why) {
		b.expirePending, w.pendingFrom = false, w.Now().Add(pendingRetry)
	}
}
