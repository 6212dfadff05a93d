package plugin

import "patchbay/sdk/protocol/pluginpb"

// callOverhead is an upper estimate of the encoded size of a call's small fields.
const callOverhead = 512

// fieldOverhead is an upper bound of the encoding overhead of one repeated or map field.
const fieldOverhead = 16

// receiveCallSize returns an upper bound of the encoded size of a call. It is faster than proto.Size.
func receiveCallSize(c *pluginpb.ReceiveCall) int {
	n := callOverhead + len(c.GetMethod()) + len(c.GetHost()) + len(c.GetPath()) + len(c.GetFullPath()) +
		len(c.GetQuery()) + len(c.GetBody()) + len(c.GetRemote())
	for _, h := range c.GetHeader() {
		n += fieldOverhead + len(h.GetName()) + len(h.GetValue())
	}
	for _, ch := range c.GetChannels() {
		n += fieldOverhead + len(ch)
	}
	return n
}

// deliverCallSize returns an upper bound of the encoded size of a call.
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
		n += len(o.GetCustomer().GetId()) + len(o.GetCustomer().GetName()) + len(o.GetReason())
		n += attributesSize(o.GetAttributes())
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
