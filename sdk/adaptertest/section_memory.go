package adaptertest

import (
	"slices"

	"patchbay/sdk/protocol/pluginpb"
)

// What memory may grow by, in all for whatever settles late and a message on average, and how many calls are under way at
// once.
const (
	growthInAll      = 8 << 20
	growthPerMessage = 2 << 10
	memoryWindow     = 16
)

// checkMemory makes many calls, several to a frame, and compares how much memory the process has.
func checkMemory(x *exam) {
	flat := x.assert("memory.flat", "memory does not grow with the number of messages")
	works := x.assert("memory.works", "all calls are answered while many are under way")
	if _, ok := usageOf(x.prog.process.pid()); !ok {
		flat.skip("this system does not tell")
	}
	if ex := x.data.main("deliver"); ex != nil {
		x.vendor.play(newLoad(ex))
	}
	total := x.opts.Messages
	var samples []int64
	for done := 0; done < total+total/4; { // the first fifth warms up
		n, err := x.frame()
		if !works.check(err == nil, "after %d messages: %v", done, err) {
			return
		}
		if n == 0 {
			works.skip("no calls in the exam data")
			flat.skip("no calls in the exam data")
			return
		}
		if done += n; done > total/4 {
			if u, ok := usageOf(x.prog.process.pid()); ok {
				samples = append(samples, u.bytes)
			}
		}
	}
	n := x.prog.receive.strangers() + x.prog.deliver.strangers()
	works.check(n == 0, "%d results had the id of no call that waits: give each call one result, with its own id", n)
	if len(samples) < 8 {
		flat.skip("too few messages to tell")
		return
	}
	early, late := median(samples[:len(samples)/4]), median(samples[len(samples)*3/4:])
	most := early + growthInAll + int64(total)*3/4*growthPerMessage
	flat.check(late <= most, "%d MiB after %d messages, %d MiB before: %d bytes a message; forget what ended "+
		"(of a runtime that frees memory late, bound the heap, or send more messages: what is a leak goes on growing)", late>>20,
		total, early>>20,
		(late-early)*4/3/int64(total))
}

func median(list []int64) int64 {
	s := slices.Sorted(slices.Values(list))
	return s[len(s)/2]
}

// newLoad plays an exchange for many calls at once, and remembers nothing of them.
func newLoad(ex *exchange) *stage {
	s := newStage(ex, false)
	s.forgetful = true
	return s
}

// frame makes memoryWindow calls each way and returns how many there were.
func (x *exam) frame() (int, error) {
	n := 0
	if len(x.data.in) > 0 && x.able("receive") {
		var frame []*pluginpb.ReceiveCall
		var results []chan *pluginpb.ReceiveResult
		for i := range memoryWindow {
			call, err := x.receiveCall(x.data.in[i%len(x.data.in)])
			if err != nil {
				return n, err
			}
			id, result := x.prog.receive.begin()
			call.Id = id
			frame, results = append(frame, call), append(results, result)
		}
		if err := x.prog.receive.put(frame...); err != nil {
			return n, err
		}
		for _, r := range results {
			if _, err := x.prog.receive.wait(x.ctx, r, callTimeout); err != nil {
				return n, err
			}
			n++
		}
	}
	ex := x.data.main("deliver")
	if ex == nil || !x.able("deliver") {
		return n, nil
	}
	var under []*begun
	for range memoryWindow {
		call, err := x.deliverCall(ex)
		if err != nil {
			return n, err
		}
		b, err := x.begin(call, callTimeout)
		if err != nil {
			return n, err
		}
		under = append(under, b)
	}
	for _, b := range under {
		if _, err := x.end(b, callTimeout); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
