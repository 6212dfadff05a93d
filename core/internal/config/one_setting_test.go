package config

import "testing"

func TestAdminListenNeedsNoOtherSetting(t *testing.T) {
	const rest = "adapters: {bot: {command: \"${env:NONE}\"}}\nchannels: {faq: {adapter: bot, role: bto, settings: {key: \"${file:none}\"}}}\nroutes: [{when: \"(\"}]\n"
	for _, tc := range []struct{ name, yaml, variable, want, problem string }{
		{"file", "admin: {listen: \"127.0.0.1:7\"}\n" + rest, "", "127.0.0.1:7", ""},
		{"environment", "admin: {listen: \"127.0.0.1:7\"}\n" + rest, "127.0.0.1:8", "127.0.0.1:8", ""},
		{"default", rest, "", "127.0.0.1:9090", ""},
		{"default, nothing below", "admin:\n", "", "127.0.0.1:9090", ""},
		{"a reference", "admin: {listen: \"127.0.0.1:${env:PORT}\"}\n", "", "127.0.0.1:8080", ""},
		{"an unresolved reference", "admin: {listen: \"${env:NONE}\"}\n", "", "",
			"m.yaml:1:17: admin.listen: environment variable NONE is not set or empty; set it, or give a default: ${env:NONE:-default} [unresolved-reference]"},
		{"no address", "admin: {listen: nowhere}\n", "", "", "m.yaml:1:17: admin.listen: \"nowhere\" is not an address; write host:port, such as 127.0.0.1:8080 [invalid-value]"},
		{"no address in the environment", "", "nowhere", "",
			"environment PATCHBAY_ADMIN__LISTEN: admin.listen: the value of PATCHBAY_ADMIN__LISTEN is not an address; write host:port, such as 127.0.0.1:8080 [invalid-value]"},
		{"empty", "admin: {listen: }\n", "", "", "m.yaml:1:17: admin.listen: is empty; give it a value or leave the key out [empty-value]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := AdminListen(Options{Path: "m.yaml", Data: []byte(tc.yaml), Environ: append(testEnviron, "PATCHBAY_ADMIN__LISTEN="+tc.variable)})
			problem := ""
			if err != nil {
				problem = err.Error()
			}
			if got != tc.want || problem != tc.problem {
				t.Errorf("address = %q, %s\nwant %q, %s", got, problem, tc.want, tc.problem)
			}
		})
	}
	if _, err := AdminListen(Options{Path: "testdata/none.yaml", Environ: testEnviron}); err == nil {
		t.Error("no error without a file")
	}
}

func TestStoreDirOfAnUnusableFile(t *testing.T) {
	for _, tc := range []struct{ name, yaml, variable, want string }{
		{"file", "store: {dir: /var/log}\nroutes: [{when: \"(\"}]\n", "", "/var/log"},
		{"relative to the file", "store: {dir: log}\n", "", "folder/log"},
		{"environment", "store: {dir: /var/log}\n", "/var/other", "/var/other"},
		{"not YAML", "store: [\n", "", "folder/data"},
		{"not YAML, environment", "store: [\n", "/var/other", "/var/other"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := StoreDir(Options{Path: "folder/m.yaml", Data: []byte(tc.yaml), Environ: []string{"PATCHBAY_STORE__DIR=" + tc.variable}})
			if got != tc.want {
				t.Errorf("folder %q, want %q", got, tc.want)
			}
		})
	}
}
