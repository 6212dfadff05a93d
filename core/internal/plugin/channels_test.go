package plugin

import (
	"strings"
	"testing"
	"time"

	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

func TestInvalidConfigurationIsRefused(t *testing.T) {
	r := run(t, "")
	conf, err := r.Configure(r.ctx(), &pluginpb.ChannelConfig{Name: "c", Settings: []byte(`{"greetin":"hi"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if e := conf.GetError(); e.GetKind() != "invalid" || !strings.Contains(e.GetText(), "setting greetin: unknown") {
		t.Errorf("error %v", e)
	}
	problems, err := r.Validate(r.ctx(), &pluginpb.ChannelConfig{Name: "c", Settings: []byte(`{"token":7}`)})
	if err != nil || len(problems) != 1 || problems[0].GetPath() != "token" {
		t.Errorf("problems %v, %v", problems, err)
	}
	if _, channels := r.inForce(); len(channels) != 0 {
		t.Error("a refused configuration is stored")
	}
}

func TestEnvironmentIsClean(t *testing.T) {
	t.Setenv("MY_SECRET", "do not leak")
	t.Setenv("TZ", "Asia/Tokyo")
	r := run(t, "")
	res, err := r.receiveAt(r.ctx(), "/env", "")
	if err != nil {
		t.Fatal(err)
	}
	env := string(res.GetResponse().GetBody())
	if strings.Contains(env, "MY_SECRET") || strings.Contains(env, "HOME=") {
		t.Errorf("the gateway's environment leaks:\n%s", env)
	}
	if !strings.Contains(env, "TZ=Asia/Tokyo") || !strings.Contains(env, protocol.LogLevelEnv+"=debug") {
		t.Errorf("wanted variables are missing:\n%s", env)
	}
}

func TestHealthIsReported(t *testing.T) {
	r := run(t, "unhealthy", func(o *Options) { o.LivenessInterval = time.Hour })
	if _, err := r.Configure(r.ctx(), &pluginpb.ChannelConfig{Name: "c"}); err != nil {
		t.Fatal(err)
	}
	r.Restart() // the state is sent after each start
	st := r.waitFor("degraded", func(s Status) bool { return s.State == StateDegraded })
	if st.Unhealthy["c"] != "c is unhealthy" || !st.AcceptsCalls() {
		t.Errorf("status %+v", st)
	}
	r.AdoptChannel(&pluginpb.ChannelConfig{Name: "d"}, &pluginpb.ConfigureResponse{}, "d is refused")
	if st := r.Status(); st.Unhealthy["c"] != "c is unhealthy" || st.Unhealthy["d"] != "d is refused" {
		t.Errorf("after another channel was refused: %v", st.Unhealthy)
	}
	if l := r.logs.find(t, "adapter degraded", nil); l["channel"] != "c" || l["error"] != "c is unhealthy" {
		t.Errorf("logged %v", l)
	}
}
