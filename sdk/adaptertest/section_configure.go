package adaptertest

import (
	"net/http"
	"strings"

	"google.golang.org/protobuf/proto"

	"patchbay/sdk/protocol/pluginpb"
)

// checkConfigure examines Configure, and what it does to calls under way.
func checkConfigure(x *exam) {
	a := x.assert("configure.accepts", "the exam's settings are taken")
	if e := x.endpoint.GetError(); !a.check(e == nil, "refused: %s %s; correct exam.yaml, or Configure", e.GetField(),
		e.GetText()) {
		return
	}
	x.checkEndpoint(x.assert("configure.endpoint", "paths and modes that the gateway understands"))
	a = x.assert("configure.same", "the same settings again give the same endpoint")
	again, err := x.configure(x.settings)
	if a.check(err == nil, "%v", err) {
		a.check(proto.Equal(again, x.endpoint), "the second answer differs from the first: make it depend on the settings alone")
	}
	x.checkRefusedSettings()
	x.checkMove()
}

func (x *exam) checkEndpoint(a *Assertion) {
	paths := x.endpoint.GetPaths()
	if x.able("receive") {
		a.check(len(paths) > 0 || x.endpoint.GetSubscribes(), "it receives, and the channel has no path: list one in the Endpoint")
	}
	for _, p := range paths {
		a.check(patternProblem(p.GetPattern()) == "", "path %q: %s", p.GetPattern(), patternProblem(p.GetPattern()))
		a.check(len(p.GetMethods()) > 0, "path %q takes no methods: list POST", p.GetPattern())
		a.check(p.GetMaxBody() >= 0 && p.GetMaxBody() <= 7<<20,
			"path %q takes bodies of %d bytes; the wire carries less than 8 MiB",
			p.GetPattern(), p.GetMaxBody())
	}
	t := x.endpoint.GetThreads()
	a.check(t == "per_conversation" || t == "per_epoch", "threads is %q: it must be per_conversation or per_epoch", t)
	u := x.endpoint.GetUnknown()
	a.check(u == "" || u == "retry" || u == "dead", `unknown is %q: it must be "", retry or dead`, u)
}

// patternProblem says what is wrong with a path pattern, "" if nothing.
func patternProblem(pattern string) (problem string) {
	if !strings.HasPrefix(pattern, "/") {
		return "begin it with a slash; method and host are not part of it"
	}
	defer func() {
		if v := recover(); v != nil {
			problem = "it is not in the form of net/http.ServeMux"
		}
	}()
	http.NewServeMux().Handle(pattern, http.NotFoundHandler())
	return ""
}

func (x *exam) checkRefusedSettings() {
	a := x.assert("configure.refuses", "it refuses settings of wrong types, and keeps the former ones")
	var path string
	x.schema.root.walk("", func(p string, n *node) {
		if path == "" && n.Type == "string" && !strings.Contains(p, ".") {
			path = p
		}
	})
	if path == "" {
		a.skip("no setting is a text")
		return
	}
	resp, err := x.configure(withSetting(x.settings, path, []any{1}))
	if !a.check(err == nil, "setting %s as an array: %v", path, err) {
		_ = x.revive()
		return
	}
	if a.check(resp.GetError() != nil,
		"setting %s was given as an array, and Configure took it: return an error that names it", path) {
		a.check(resp.GetError().GetKind() == "invalid", "the refusal is of kind %q: use invalid", resp.GetError().GetKind())
		text := resp.GetError().GetText() + resp.GetError().GetField()
		a.check(strings.Contains(text, path), "the refusal %q does not name the setting %s", text, path)
	}
	if ex := x.data.main("deliver"); ex != nil && x.able("deliver") {
		x.vendor.play(newStage(ex, false))
		got, err := x.perform(ex, callTimeout)
		a.check(err == nil && got.Error == nil, "after settings were refused, the channel no longer delivers: %s", told(got, err))
	}
	if _, err := x.configure(x.settings); err != nil {
		a.failf("%v", err)
	}
}

// told is an outcome or an error for a finding.
func told(got *outcome, err error) string {
	if err != nil {
		return err.Error()
	}
	return got.said()
}

// pathOf returns the endpoint's path that a request is for, nil if there is none.
func (x *exam) pathOf(in *inbound) *pluginpb.Path {
	req, err := http.NewRequest(in.method, strings.ReplaceAll(in.target, vendorMark, x.vendor.base), nil)
	if err != nil {
		return nil
	}
	for _, p := range x.endpoint.GetPaths() {
		if patternProblem(p.GetPattern()) != "" {
			continue
		}
		mux := http.NewServeMux()
		mux.Handle(p.GetPattern(), http.NotFoundHandler())
		if _, found := mux.Handler(req); found != "" {
			return p
		}
	}
	return nil
}
