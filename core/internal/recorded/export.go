package recorded

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// Export turns the records of one conversation into a conversation test.
type Export struct {
	Conversation string
	Texts        bool // keeps the texts and names, which are personal data
	// Rules are the rules of the running configuration. Placeholders keep the texts in their conditions.
	Rules *route.Table
	// Stored returns an envelope of an earlier record, or nil.
	Stored func(state.Position) *journal.StoredEnvelope

	redactor  redactor
	steps     []*exportStep
	started   time.Time
	owner     string
	departing *exportStep
	target    string                 // of the pending offer, or ""
	offer     *exportStep            // that made the pending offer
	queued    map[string]*exportStep // by delivery, and the last one by channel
	repeated  map[string]bool        // by delivery: a call has failed and was repeated
	threads   map[string][]string
	closed    bool
	lease     uint64 // of the last record
	revision  uint64 // of the last record
	omitted   []string
}

// exportStep is one step of the test with its effects.
type exportStep struct {
	at       time.Time
	step     yamlStep
	position *journal.Position // of the step's message
	rules    []string
	owner    string
	offer    *string
	closed   string
	message  string
	dead     []string
	// before and after are steps that change the outcome of calls, or pause a channel.
	before, after []yamlStep
}

// exportedEvents are the kinds of envelopes that a step can send.
var exportedEvents = []envelope.Kind{
	envelope.KindConnected, envelope.KindDisconnected, envelope.KindHandoverRequested, envelope.KindTyping,
	envelope.KindRead,
}

// Record adds a record. Call it in the order of the log.
func (x *Export) Record(seq uint64, r *journal.Record) {
	at := time.Unix(0, r.GetAt()).UTC()
	caused := false // something in this record has caused the changes that follow
	if x.givesUp(at, r) {
		x.add(&exportStep{at: at})
		caused = true
	}
	for _, ch := range r.GetChanges() {
		if ch.GetConversation() != x.Conversation || x.closed || x.queued == nil && ch.GetOpened() == nil {
			continue // also without the beginning of the conversation
		}
		x.noteRestart(r)
		switch k := ch.GetKind().(type) {
		case *journal.Change_Opened:
			x.redactor = newRedactor(x.Texts, x.Rules)
			x.queued, x.repeated = map[string]*exportStep{}, map[string]bool{}
			x.threads, x.started = map[string][]string{}, at
			x.owner = k.Opened.GetOwner()
			x.noteOpening(at, r, k.Opened)
		case *journal.Change_Accepted:
			caused = x.addEnvelope(at, seq, r, k.Accepted) || caused
		case *journal.Change_Commanded:
			caused = x.addCommand(at, k.Commanded) || caused
		case *journal.Change_Ended:
			if x.isLate(at) && x.stepOfDelayed(at, k.Ended) != nil {
				x.add(&exportStep{at: at})
			}
			caused = caused || !x.isLate(at)
		case *journal.Change_Attempted, *journal.Change_Linked:
			caused = caused || !x.isLate(at)
		case *journal.Change_Departed:
			if x.departing != nil { // a test has no grace: the departure took effect in the step that reported it
				x.steps, caused = append(slices.DeleteFunc(x.steps, x.isDeparting), x.departing), true
			}
		case *journal.Change_Routed, *journal.Change_DeliveryFailed: // after their cause, except if they are late
			if !caused && x.isLate(at) {
				x.add(&exportStep{at: at})
				caused = true
			}
		case *journal.Change_TimerDone, *journal.Change_OfferEnded, *journal.Change_Closing:
			if !caused {
				x.add(&exportStep{at: at})
				caused = true
			}
		}
		if len(x.steps) > 0 {
			x.change(x.steps[len(x.steps)-1], at, ch)
		}
	}
}

func (x *Export) isDeparting(s *exportStep) bool { return s == x.departing }

func (x *Export) add(s *exportStep) {
	s.owner = x.owner
	x.steps = append(x.steps, s)
}

// lateAfter is the time after a step. Changes after this time get a separate step, because a deadline or the late
// outcome of a call has caused them. Earlier changes are attributed to the calls of the step.
const lateAfter = 5 * time.Second

func (x *Export) isLate(at time.Time) bool {
	return len(x.steps) > 0 && at.Sub(x.steps[len(x.steps)-1].at) >= lateAfter
}

// givesUp reports whether a record gives up a delivery that has waited since an earlier step.
func (x *Export) givesUp(at time.Time, r *journal.Record) bool {
	if x.closed || !x.isLate(at) {
		return false
	}
	own := func(ch *journal.Change) bool { return ch.GetConversation() == x.Conversation }
	gaveUp := func(ch *journal.Change) bool { return own(ch) && ch.GetDeadLettered() != nil }
	accepted := func(ch *journal.Change) bool { return own(ch) && ch.GetAccepted() != nil }
	return slices.ContainsFunc(r.GetChanges(), gaveUp) && !slices.ContainsFunc(r.GetChanges(), accepted)
}

// addEnvelope adds a step for a received envelope. It returns false for an envelope that a step cannot send.
func (x *Export) addEnvelope(at time.Time, seq uint64, r *journal.Record, a *journal.Accepted) bool {
	p := a.GetPosition()
	var stored *journal.StoredEnvelope
	if p.GetSeq() == seq && int(p.GetIndex()) < len(r.GetEnvelopes()) {
		stored = r.GetEnvelopes()[p.GetIndex()]
	} else if x.Stored != nil {
		stored = x.Stored(state.Position{Seq: p.GetSeq(), Index: p.GetIndex()})
	}
	e, err := protocol.DecodeEnvelope(stored.GetEnvelope())
	if stored == nil || err != nil {
		x.omit("a message of %s, whose record is lost", a.GetChannel())
		return false
	}
	if e.Kind != envelope.KindMessage && !slices.Contains(exportedEvents, e.Kind) {
		return false
	}
	s := &exportStep{at: at, position: p}
	s.step.From = a.GetChannel()
	s.step.SenderID, s.step.SenderName = x.redactor.senderID(a.GetChannel(), e), x.redactor.name(e.Sender.Name)
	if e.Kind == envelope.KindMessage {
		s.step.Text = x.redactor.text(e.Text())
		for i := range e.Parts {
			if t := string(e.Parts[i].Type); e.Parts[i].Type != envelope.PartText && !slices.Contains(s.step.Parts, t) {
				s.step.Parts = append(s.step.Parts, t)
			}
		}
		if s.step.Text == "" && len(s.step.Parts) == 0 {
			return false
		}
		role := e.Sender.Role
		if role == envelope.RoleSystem || role == envelope.RoleBot && x.Rules.Role(a.GetChannel()) != role {
			s.step.SenderRole = string(role)
		}
	} else {
		s.step.Event, s.step.Reason = string(e.Kind), e.Attributes["reason"]
	}
	for name, value := range e.Attributes {
		if strings.Contains(name, ".") {
			if s.step.Attributes == nil {
				s.step.Attributes = map[string]string{}
			}
			s.step.Attributes[name] = x.redactor.attribute(value)
		}
	}
	if list := x.threads[a.GetChannel()]; len(list) > 0 {
		if i := slices.Index(list, a.GetThread()); i >= 0 && i < len(list)-1 {
			s.step.Thread = i + 1
		}
	}
	x.add(s)
	return true
}

// addCommand adds a step for an operator's command. It returns false for the commands that have no step.
func (x *Export) addCommand(at time.Time, c *journal.Commanded) bool {
	switch c.GetCommand() {
	case "close", "pass", "home":
	case "note":
		return false
	default:
		x.omit("the command %q of an operator", c.GetCommand())
		return false
	}
	s := &exportStep{at: at}
	s.step.Operator, s.step.To = c.GetCommand(), c.GetChannel()
	x.add(s)
	return true
}

// name returns the name of the test.
func (x *Export) name() string { return fmt.Sprintf("conversation %s", x.Conversation) }
