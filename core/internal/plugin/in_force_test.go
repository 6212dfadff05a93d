package plugin

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"patchbay/sdk/protocol/pluginpb"
)

// changingHost is a running host. A test can set the modes of the next plugin process.
type changingHost struct {
	*runningHost
	file string
}

// runChanging starts a host of the hostile adapter with the channels good and bad.
func runChanging(t *testing.T, change ...func(*Options)) *changingHost {
	t.Helper()
	c := &changingHost{file: filepath.Join(t.TempDir(), "modes")}
	c.set(t, "")
	c.runningHost = run(t, "", append(change, func(o *Options) {
		o.Env = append(o.Env, "HOSTILE_FILE="+c.file)
	})...)
	if _, err := c.Describe(c.ctx()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"good", "bad"} {
		if _, err := c.Configure(c.ctx(), &pluginpb.ChannelConfig{Name: name, Settings: []byte(`{}`)}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *changingHost) set(t *testing.T, modes string) {
	t.Helper()
	if err := os.WriteFile(c.file, []byte(modes), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (c *changingHost) restartWith(t *testing.T, modes string) {
	t.Helper()
	c.set(t, modes)
	c.Restart()
}

func (c *changingHost) deliverTo(t *testing.T, channel string) error {
	t.Helper()
	call := send(t, "hello", "k")
	call.Channel = channel
	_, err := c.Deliver(c.ctx(), call)
	return err
}

func TestChangedProgramIsRefused(t *testing.T) {
	for mode, text := range map[string]string{
		"other-path":    "another endpoint of channel good (paths)",
		"other-limit":   "another description (capabilities)",
		"other-setting": "other settings (account is missing",
	} {
		t.Run(mode, func(t *testing.T) {
			c := runChanging(t, func(o *Options) {
				o.Complete = func(_ string, schema []byte) ([]byte, error) {
					if strings.Contains(string(schema), "account") {
						return nil, errors.New("account is missing")
					}
					return []byte(`{}`), nil
				}
			})
			c.restartWith(t, mode)
			st := c.waitFor("quarantined", func(s Status) bool { return s.State == StateQuarantined })
			if st.Reason != reasonChanged || !strings.Contains(st.LastError, text) ||
				!strings.Contains(st.LastError, "run `patchbay reload`") {
				t.Errorf("status %+v", st)
			}
			if err := c.deliverTo(t, "good"); !errors.Is(err, ErrNotReady) {
				t.Errorf("deliver: %v", err)
			}
			c.restartWith(t, "other-version") // another version of the same program is accepted
			st = c.waitFor("ready", Status.AcceptsCalls)
			if st.Version != "7.0.0" {
				t.Errorf("version %s", st.Version)
			}
		})
	}
}

func TestRefusedChannelAffectsNoOther(t *testing.T) {
	t.Parallel()
	for mode, text := range map[string]string{
		"refuse-bad": "I do not like it any more", "hang-bad": "hangs", "crash-bad": "broke the adapter repeatedly",
	} {
		t.Run(mode, func(t *testing.T) {
			c := runChanging(t)
			c.restartWith(t, mode)
			st := c.waitFor("degraded", func(s Status) bool { return s.State == StateDegraded })
			if !strings.Contains(st.Unhealthy["bad"], text) {
				t.Errorf("status %+v", st)
			}
			if err := c.deliverTo(t, "good"); err != nil {
				t.Errorf("deliver to the good channel: %v", err)
			}
			if err := c.deliverTo(t, "bad"); !errors.Is(err, ErrNotReady) || !strings.Contains(err.Error(), text) {
				t.Errorf("deliver to the bad channel: %v", err)
			}
			receive := func(channels ...string) error {
				_, done, err := c.Receive(c.ctx(), &pluginpb.ReceiveCall{Channels: channels, Method: "POST", Path: "/x"})
				done()
				return err
			}
			if err := receive("bad"); !errors.Is(err, ErrNotReady) {
				t.Errorf("receive on the bad channel: %v", err)
			}
			if err := receive("bad", "good"); err != nil {
				t.Errorf("receive on both channels: %v", err)
			}
			c.restartWith(t, "")
			c.waitFor("ready", func(s Status) bool { return s.State == StateReady })
			if err := c.deliverTo(t, "bad"); err != nil {
				t.Errorf("deliver to the repaired channel: %v", err)
			}
		})
	}
}

func TestAdoptedChannelWaitsForAProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "modes")
	if err := os.WriteFile(file, []byte("exit-at-start"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := runChanging(t)
	d, channels := c.inForce()
	r := run(t, "", func(o *Options) { o.Env = append(o.Env, "HOSTILE_FILE="+file) })
	late := &changingHost{file: file, runningHost: r}
	late.Adopt(d)
	late.AdoptChannel(channels[0].config, channels[0].response, "not started")
	late.waitFor("quarantined", func(s Status) bool { return s.State == StateQuarantined })
	late.restartWith(t, "")
	late.waitFor("ready", func(s Status) bool { return s.State == StateReady })
	if err := late.deliverTo(t, "good"); err != nil {
		t.Errorf("deliver: %v", err)
	}
}

// lateAdapter returns a host whose adapter is not ready yet, and the description and the channels of a process of the
// same adapter.
func lateAdapter(t *testing.T) (late *changingHost, d *pluginpb.DescribeResponse, good, bad *channelInForce) {
	t.Helper()
	d, channels := runChanging(t).inForce()
	late = &changingHost{file: filepath.Join(t.TempDir(), "modes")}
	late.set(t, "exit-at-start")
	late.runningHost = run(t, "", func(o *Options) { o.Env = append(o.Env, "HOSTILE_FILE="+late.file) })
	late.waitFor("quarantined", func(s Status) bool { return s.State == StateQuarantined })
	return late, d, channels[0], channels[1]
}

func TestChannelAdoptedDuringAStartIsConfigured(t *testing.T) {
	t.Parallel()
	late, d, good, bad := lateAdapter(t)
	late.Adopt(d)
	late.AdoptChannel(bad.config, bad.response, "not started")
	late.restartWith(t, "hang-bad")
	late.logs.find(t, "hostile configuration begins", nil)
	late.AdoptChannel(good.config, good.response, "not started")
	late.waitFor("degraded", func(s Status) bool { return s.State == StateDegraded })
	res, err := late.receiveAt(late.ctx(), "/x", "hi")
	if err != nil || string(res.GetResponse().GetBody()) != "hello" || !late.Serves("good") {
		t.Errorf("receive: %v %v, serves good: %t", res, err, late.Serves("good"))
	}
}

func TestDescriptionAdoptedDuringAStartIsCompared(t *testing.T) {
	t.Parallel()
	late, d, _, bad := lateAdapter(t)
	late.AdoptChannel(bad.config, bad.response, "not started")
	late.restartWith(t, "hang-bad,other-limit")
	late.logs.find(t, "hostile configuration begins", nil)
	late.Adopt(d)
	st := late.waitFor("quarantined or serving", func(s Status) bool {
		return s.State == StateQuarantined || s.AcceptsCalls()
	})
	if st.Reason != reasonChanged {
		t.Errorf("status %+v, want the changed program refused", st)
	}
}
