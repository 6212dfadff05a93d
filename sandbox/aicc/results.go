package aicc

// Result codes of send, sendAsync and poll.
const (
	resultOK      = "0"
	resultClosed  = "12" // outside the agents' working hours
	resultFailure = "13" // with a reason as text
)

// Texts that come with result codes, as the page senMsgRsp has them. Where that page has none, nothing is in the list:
// a message with unusable content gets ReasonSend.
const (
	ReasonClosed          = "The current time is not within the working time of the service agents" // code 12
	ReasonNoCCUCS         = "No ccucs address available!"
	ReasonRobotInit       = "fail to initialize robot"
	ReasonRobotDisconnect = "Failed to disconnect robot"
	ReasonDisconnect      = "disconnect failed"
	ReasonSend            = "sendUserMessage failed"
	ReasonNoChannel       = "transfer to agent failed, none channel config found."
	ReasonNoSession       = "fail to transfer from robot to agent,session keep touch failed."
	ReasonWithAgent       = "fail to transfer from robot to agent,it has been agent service."
)

// Refusal is a result that the vendor gives on command. Other codes than 12 and 13 are those of its CCUCS service.
type Refusal struct {
	Control string // control type that it is for, "" for any
	Code    string
	Text    string
	Count   int // how often; 0 means until Relent
}

// Refuse has send and sendAsync answer with r's result instead of doing anything.
func (s *Simulator) Refuse(r Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals = append(s.refusals, r)
}

// Relent takes back all refusals.
func (s *Simulator) Relent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals = nil
}

// refusal returns the first refusal for a control type, and counts it. The desk's lock is held.
func (s *Simulator) refusal(control string) (Refusal, bool) {
	for i, r := range s.refusals {
		if r.Control != "" && r.Control != control {
			continue
		}
		switch {
		case r.Count == 1:
			s.refusals = append(s.refusals[:i:i], s.refusals[i+1:]...)
		case r.Count > 1:
			s.refusals[i].Count--
		}
		return r, true
	}
	return Refusal{}, false
}

// result is the answer of a call: the code and text that the caller sees, and for us what was wrong in more words.
type result struct{ code, text, problem string }

func succeeded(text string) result { return result{code: resultOK, text: text} }

func failed(text, problem string) result {
	return result{code: resultFailure, text: text, problem: problem}
}
