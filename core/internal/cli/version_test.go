package cli

import (
	"runtime/debug"
	"testing"
)

func TestVersionComesFromTheLinkerOrTheModule(t *testing.T) {
	module := func(version string) *debug.BuildInfo { return &debug.BuildInfo{Main: debug.Module{Version: version}} }
	for _, tc := range []struct {
		name, linked string
		info         *debug.BuildInfo
		want         string
	}{
		{"built by make", "v1.2.3-4-gabcdef0", module("v1.2.3"), "v1.2.3-4-gabcdef0"},
		{"installed by go install", "", module("v1.2.3"), "v1.2.3"},
		{"built without a repository", "", module("(devel)"), "dev"},
		{"tested", "", module(""), "dev"},
		{"without build information", "", nil, "dev"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := programVersion(tc.linked, tc.info); got != tc.want {
				t.Errorf("version = %q, want %q", got, tc.want)
			}
		})
	}
}
