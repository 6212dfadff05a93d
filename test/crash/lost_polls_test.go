package crash

import (
	"slices"
	"testing"
)

// findLost finds the messages that a kill lost. A poll removes messages from the desk's mailbox, and the desk does not
// repeat them. The gateway stores them after the poll, so that a kill before this loses them. A loss is allowed only if
// all of these are true:
//
//   - A killed process made the poll. All processes except the last one were killed.
//   - The process did not poll for this customer again. It does so only after the messages are stored.
//   - The lost messages are the last ones of the poll.
//   - At most maxOpenPolls polls of the process lost messages.
//
// findLost does not compare times, because a poll can have its effect at the vendor long after its process has ended.
// It returns the stored messages, the number of allowed losses, and the findings.
func findLost(polls []pollResult, accepted map[string]bool) (stored []deskMessage, lost int, findings []string) {
	last := lastProcess(polls)
	byProcess := map[string]int{}
	for i, poll := range polls {
		var missing []string
		for _, m := range poll.messages {
			switch {
			case m.Code == "": // a text of the desk, which the trail does not contain
			case accepted[m.Code]:
				stored = append(stored, m)
				if len(missing) > 0 {
					findings = append(findings, m.Code+" is stored, but "+missing[0]+", which precedes it in the poll, is not")
				}
			default:
				missing = append(missing, m.Code)
			}
		}
		if len(missing) == 0 {
			continue
		}
		if poll.caller == last {
			findings = append(findings, missing[0]+" is in no trail, but its process was not killed")
			continue
		}
		if polledAgain(polls[i:]) {
			findings = append(findings, missing[0]+" is in no trail, but its process polled for the customer again")
			continue
		}
		if byProcess[poll.caller]++; byProcess[poll.caller] > maxOpenPolls {
			findings = append(findings, missing[0]+" is in no trail, but too many polls of its process lost messages")
		}
		lost += len(missing)
	}
	return stored, lost, findings
}

// lastProcess returns the process that started last.
func lastProcess(polls []pollResult) string {
	known, last := map[string]bool{}, ""
	for _, p := range polls {
		if !known[p.caller] {
			known[p.caller], last = true, p.caller
		}
	}
	return last
}

// polledAgain reports whether a later poll has the process and the customer of the first poll.
func polledAgain(polls []pollResult) bool {
	first := polls[0]
	return slices.ContainsFunc(polls[1:], func(p pollResult) bool {
		return p.caller == first.caller && p.user == first.user
	})
}

// accepted returns the vendor ids of the accepted envelopes of a channel, from the trails of customers.
func (e *evidence) accepted(channel string) map[string]bool {
	out := map[string]bool{}
	for _, trails := range e.trails {
		for i := range trails {
			for _, entry := range trails[i].Find("accepted") {
				if entry.Channel == channel {
					out[entry.VendorID] = true
				}
			}
		}
	}
	return out
}

// TestFindLost checks findLost with allowed and forbidden losses.
func TestFindLost(t *testing.T) {
	poll := func(caller, user string, codes ...string) pollResult {
		p := pollResult{caller: caller, user: user}
		for _, c := range codes {
			p.messages = append(p.messages, deskMessage{Code: c})
		}
		return p
	}
	var many []pollResult
	for i := range maxOpenPolls + 1 {
		many = append(many, poll("1", string(rune('a'+i)), "x"+string(rune('a'+i))))
	}
	next := poll("2", "z")
	for name, tt := range map[string]struct {
		polls []pollResult
		lost  int
		found int
	}{
		"all stored":                   {[]pollResult{poll("1", "u", "kept")}, 0, 0},
		"last poll before the kill":    {[]pollResult{poll("1", "u", "kept"), poll("1", "u", "a", "b"), next}, 2, 0},
		"late effect at the vendor":    {[]pollResult{poll("1", "u", "kept"), next, poll("1", "u", "a")}, 1, 0},
		"no kill":                      {[]pollResult{poll("1", "u", "a")}, 0, 1},
		"after the last kill":          {[]pollResult{poll("1", "u"), poll("2", "u", "a")}, 0, 1},
		"polled again before the kill": {[]pollResult{poll("1", "u", "a"), poll("1", "u"), next}, 0, 1},
		"poll for another customer":    {[]pollResult{poll("1", "u", "a"), poll("1", "v"), next}, 1, 0},
		"stored after a lost message":  {[]pollResult{poll("1", "u", "a", "kept"), next}, 1, 1},
		"more than open polls":         {append(many, next), maxOpenPolls + 1, 1},
		"limit per process":            {slices.Concat(many[:5], []pollResult{poll("2", "a", "y"), poll("3", "a")}), 6, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, lost, findings := findLost(tt.polls, map[string]bool{"kept": true})
			if lost != tt.lost || len(findings) != tt.found {
				t.Errorf("%d lost, findings %q; want %d and %d findings", lost, findings, tt.lost, tt.found)
			}
		})
	}
}
