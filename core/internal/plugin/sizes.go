package plugin

import (
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

const maxMessage = protocol.MaxMessageBytes

// callOverhead is a generous guess of what a call needs beside its large fields.
const callOverhead = 512

// fieldOverhead is what a repeated or mapped field needs beside its bytes, at most.
const fieldOverhead = 16

// receiveCallSize returns at least the encoded size of a call, without walking it by reflection.
func receiveCallSize(c *pluginpb.ReceiveCall) int {
	n := callOverhead + len(c.GetBody()) + len(c.GetPath()) + len(c.GetFullPath()) + len(c.GetQuery()) + len(c.GetHost()) +
		len(c.GetMethod()) + len(c.GetRemote())
	for _, h := range c.GetHeader() {
		n += fieldOverhead + len(h.GetName()) + len(h.GetValue())
	}
	for _, ch := range c.GetChannels() {
		n += fieldOverhead + len(ch)
	}
	return n
}

// deliverCallSize returns at least the encoded size of a call.
func deliverCallSize(c *pluginpb.DeliverCall) int {
	n := callOverhead + len(c.GetChannel()) + len(c.GetKey())
	if s := c.GetSend(); s != nil {
		n += len(s.GetThread()) + len(s.GetState()) + len(s.GetEnvelope()) + len(s.GetAssigned().GetText())
		for _, h := range s.GetHistory() {
			n += fieldOverhead + len(h)
		}
		n += attributesSize(s.GetAssigned().GetAttributes())
	}
	if o := c.GetOpen(); o != nil {
		n += len(o.GetCustomer().GetId()) + len(o.GetCustomer().GetName()) + len(o.GetReason()) + attributesSize(o.GetAttributes())
	}
	return n
}

func attributesSize(m map[string]string) int {
	n := 0
	for k, v := range m {
		n += fieldOverhead + len(k) + len(v)
	}
	return n
}
