package adaptertest

import (
	"fmt"
	"slices"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

// Status is how an assertion, a section or an exam ended.
type Status string

// The statuses.
const (
	Pass          Status = "pass"
	Fail          Status = "fail"
	NotApplicable Status = "n/a"
)

// Assertion is one thing that an adapter must do. ID never changes its meaning.
type Assertion struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Status Status `json:"status"`
	// Findings say what is wrong and what to do, or why the assertion does not apply. There are at most maxFindings;
	// Failures counts all.
	Findings []string `json:"findings,omitempty"`
	Failures int      `json:"failures,omitempty"`
}

// Section is a group of assertions.
type Section struct {
	Name       string        `json:"name"`
	Title      string        `json:"title"`
	Status     Status        `json:"status"`
	Assertions []*Assertion  `json:"assertions"`
	Took       time.Duration `json:"took_ns"`
}

// Channel is an adapter's exam in one role.
type Channel struct {
	Name         string       `json:"name"`
	Role         string       `json:"role"`
	Capabilities Capabilities `json:"capabilities"`
	Sections     []Section    `json:"sections"`
}

// Capabilities are what an adapter says that a channel carries, in the words of the protocol.
type Capabilities struct {
	Abilities  []string `json:"abilities"`
	Parts      []string `json:"parts"`
	Events     []string `json:"events,omitempty"`
	TextBytes  int64    `json:"text_bytes,omitempty"`
	History    bool     `json:"history,omitempty"`
	Idempotent bool     `json:"idempotent,omitempty"`
	Media      string   `json:"media,omitempty"`
	MediaBytes int64    `json:"media_bytes,omitempty"`
	MediaTypes []string `json:"media_types,omitempty"`
	MediaApart bool     `json:"media_apart,omitempty"`
	Threads    string   `json:"threads,omitempty"`
	Listens    bool     `json:"listens,omitempty"`
	Unknown    string   `json:"unknown,omitempty"`
	Paths      []string `json:"paths,omitempty"`
}

// Scorecard is what came of an exam.
type Scorecard struct {
	Adapter     string            `json:"adapter"`
	Version     string            `json:"version"`
	Vendor      string            `json:"vendor"`
	ReasonCodes map[string]string `json:"reason_codes,omitempty"`
	Status      Status            `json:"status"`
	Passed      int               `json:"passed"`
	Failures    int               `json:"failed"`
	Skipped     int               `json:"not_applicable"`
	Channels    []Channel         `json:"channels"`
}

// Failed reports whether anything failed.
func (c *Scorecard) Failed() bool { return c.Status == Fail }

// FailedIDs returns the ids of all assertions that failed, each once, in order.
func (c *Scorecard) FailedIDs() []string {
	var ids []string
	for _, ch := range c.Channels {
		for _, s := range ch.Sections {
			for _, a := range s.Assertions {
				if a.Status == Fail && !slices.Contains(ids, a.ID) {
					ids = append(ids, a.ID)
				}
			}
		}
	}
	return ids
}

func (c *Scorecard) describe(d *pluginpb.DescribeResponse) {
	c.Adapter, c.Version, c.Vendor, c.ReasonCodes = d.GetName(), d.GetVersion(), d.GetVendor(), d.GetReasonCodes()
}

// count fills in the totals. An exam in which nothing applied has not been passed.
func (c *Scorecard) count() {
	c.Passed, c.Failures, c.Skipped = 0, 0, 0
	for _, ch := range c.Channels {
		for _, s := range ch.Sections {
			for _, a := range s.Assertions {
				switch a.Status {
				case Pass:
					c.Passed++
				case Fail:
					c.Failures++
				default:
					c.Skipped++
				}
			}
		}
	}
	c.Status = NotApplicable
	if c.Failures > 0 {
		c.Status = Fail
	} else if c.Passed > 0 {
		c.Status = Pass
	}
}

// maxFindings bounds what one assertion tells; the first few show the pattern.
const maxFindings = 5

// maxFinding bounds one finding, in bytes.
const maxFinding = 900

// failf records what is wrong and what to do.
func (a *Assertion) failf(format string, args ...any) {
	if a.Status != Fail {
		a.Status, a.Findings = Fail, nil
	}
	a.Failures++
	if len(a.Findings) < maxFindings {
		text := fmt.Sprintf(format, args...)
		if len(text) > maxFinding {
			text = text[:maxFinding] + "…"
		}
		a.Findings = append(a.Findings, text)
	}
}

// check records a pass, or else what is wrong. It returns ok.
func (a *Assertion) check(ok bool, format string, args ...any) bool {
	if !ok {
		a.failf(format, args...)
	} else if a.Status == NotApplicable {
		a.Status, a.Findings = Pass, nil
	}
	return ok
}

// skip says why the assertion does not apply, unless something was checked already.
func (a *Assertion) skip(format string, args ...any) {
	if a.Status == NotApplicable && len(a.Findings) == 0 {
		a.Findings = []string{fmt.Sprintf(format, args...)}
	}
}

// settle derives a section's status from its assertions.
func (s *Section) settle() {
	s.Status = NotApplicable
	for _, a := range s.Assertions {
		if a.Status == Fail {
			s.Status = Fail
			return
		}
		if a.Status == Pass {
			s.Status = Pass
		}
	}
}

// capabilitiesOf joins what Describe and Configure say.
func capabilitiesOf(d *pluginpb.DescribeResponse, e *pluginpb.ConfigureResponse) Capabilities {
	c := d.GetCapabilities()
	if e.GetCapabilities() != nil {
		c = e.GetCapabilities()
	}
	out := Capabilities{
		Abilities: d.GetAbilities(), Parts: c.GetParts(), Events: c.GetEvents(), TextBytes: c.GetTextBytes(),
		History: c.GetHistory(), Idempotent: c.GetIdempotent(), Media: c.GetMedia(), MediaBytes: c.GetMediaBytes(),
		MediaTypes: c.GetMediaTypes(), MediaApart: c.GetMediaApart(), Threads: e.GetThreads(), Listens: e.GetSubscribes(),
		Unknown: e.GetUnknown(),
	}
	for _, p := range e.GetPaths() {
		out.Paths = append(out.Paths, p.GetPattern())
	}
	return out
}
