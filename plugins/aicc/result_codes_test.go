package main

import "testing"

// The cases are documented result texts, variants of them, and similar texts with another meaning.
func TestCauseOfResultTexts(t *testing.T) {
	for _, tt := range []struct {
		code, desc string
		want       cause
	}{
		{"12", "", causeHours},
		{"13", "The current time is not within the working time of the service agents", causeHours},
		{"20010008", "outside working hours", causeHours},
		{"13", "No ccucs address available!", causeNoAgent},
		{"13", "fail to initialize robot", causeRobot},
		{"13", "transfer to agent failed, none channel config found.", causeChannel},
		{"13", "fail to transfer from robot to agent,session keep touch failed.", causeSession},
		{"13", "SESSION TIMED OUT", causeSession},
		{"13", "fail to transfer from robot to agent,it has been agent service.", causeHasAgent},
		{"13", "Already with an agent", causeHasAgent},
		{"13", "Failed to disconnect robot", causeDisconnect},
		{"13", "disconnect failed", causeDisconnect},
		{"13", "sendUserMessage failed", causeSend},
		{"13", "", causeOther},
		{"13", "already done", causeOther},
		{"13", "the agent is away", causeOther},
		{"13", "session limit reached", causeOther},
		{"13", "token expired", causeOther},
		{"13", "robot is busy", causeOther},
		{"13", "cannot initialize", causeOther},
		{"13", "channel closed", causeOther},
		{"13", "config is locked", causeOther},
		{"13", "send again later", causeOther},
		{"13", "failed", causeOther},
		{"1", "session expired", causeOther},
		{"20010008", "already with an agent", causeOther},
	} {
		if got := causeOf(tt.code, tt.desc); got != tt.want {
			t.Errorf("causeOf(%s, %q) = %d, want %d", tt.code, tt.desc, got, tt.want)
		}
	}
}
