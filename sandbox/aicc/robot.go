package aicc

// RobotAnswer is what the robot says to a question.
type RobotAnswer struct {
	Text string // "" for nothing
	// SimQuestions are similar questions, "" for null. The page says only that it is a string.
	SimQuestions string
}

// robotSays pushes the robot's words. The desk's lock is held.
func (s *Simulator) robotSays(c *Chat, a RobotAnswer) {
	if a.Text == "" {
		return
	}
	s.line(c, Line{From: "robot", Text: a.Text, MediaType: "TEXT"})
	m := s.message(c.User, "ROBOT", "CHAT")
	kind, nickname := "TEXT", "Robot"
	m.MediaType, m.Content, m.SenderNickname = &kind, &a.Text, &nickname
	if a.SimQuestions != "" {
		m.SimQuestions = &a.SimQuestions
	}
	// The only error is that the simulator was closed: then nobody listens any more.
	_ = s.push(c.User, m)
}
