package plugin

import (
	"strconv"
	"strings"

	"patchbay/sdk/protocol"
)

// checkHandshake explains a first line of stdout that is not a handshake of our protocol version. It is called after
// go-plugin refused to connect, and returns nil if the line is valid or missing.
func (p *process) checkHandshake() error {
	var line string
	select {
	case l, ok := <-p.firstLine:
		if !ok {
			return nil
		}
		line = p.lines.redact(l)
	default:
		return nil
	}
	fields := strings.Split(line, "|")
	if len(fields) < 5 {
		return endedBy(reasonPermanent, "the program printed %.200q instead of the plugin handshake; "+
			"print nothing to stdout before serve.Main", line)
	}
	if fields[1] != strconv.Itoa(protocol.Version) {
		return endedBy(reasonPermanent, "the program speaks version %.20s of the plugin protocol, "+
			"this gateway version %d; build both from the same release", fields[1], protocol.Version)
	}
	if fields[4] != "grpc" {
		return endedBy(reasonPermanent, "the program speaks %.20q instead of grpc; build it with serve.Main", fields[4])
	}
	return nil
}
