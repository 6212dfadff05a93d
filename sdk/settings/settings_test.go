package settings_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"patchbay/sdk"
	"patchbay/sdk/settings"
)

var update = flag.Bool("update", false, "write golden files")

func schemaText(t *testing.T) []byte {
	t.Helper()
	s, err := settings.Of(&example{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.Text()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

type exampleVerify struct {
	Window time.Duration `json:"window" patchbay:"default=5m"`
	Key    sdk.Secret    `json:"key"`
	Keys   []sdk.Secret  `json:"keys"`
}

type exampleShared struct {
	Language string `json:"language" patchbay:"default=en"`
}

func TestSchemaOfEveryKindOfSetting(t *testing.T) {
	got := schemaText(t)
	const golden = "testdata/schema.golden.json"
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Errorf("schema changed (-want +got); run with -update if that is meant:\n%s", diff)
	}
}

// example has every kind of setting.
type example struct {
	BaseURL string            `json:"base_url" patchbay:"required,vendor-address,pattern=^https?://[^,]+$" doc:"Address of the API."`
	Token   sdk.Secret        `json:"token" patchbay:"required" doc:"API key."`
	Region  string            `json:"region" patchbay:"default=eu,enum=eu|us|cn"`
	Debug   bool              `json:"debug"`
	Retries int               `json:"retries" patchbay:"default=3"`
	Size    uint32            `json:"size"`
	Ratio   float64           `json:"ratio" patchbay:"default=0.5"`
	Timeout time.Duration     `json:"timeout" patchbay:"default=5s" doc:"How long a call may take."`
	Tags    []string          `json:"tags" patchbay:"default=a|b"`
	Headers map[string]string `json:"headers"`
	Verify  exampleVerify     `json:"verify" doc:"How callers prove who they are."`
	Extra   *exampleVerify    `json:"extra"`
	Wait    time.Duration     `json:"wait"`
	Skipped string            `json:"-"`
	private string            //lint:ignore U1000 an unexported field is no setting
	exampleShared
}

func TestSchemaAgreesWithDecode(t *testing.T) {
	raw := schemaText(t)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("settings.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("settings.json")
	if err != nil {
		t.Fatal(err)
	}
	const base = `{"base_url":"https://x","token":"t"`
	for name, tc := range map[string]struct {
		settings string
		ok       bool
	}{
		"least":              {base + `}`, true},
		"everything":         {base + `,"debug":true,"retries":1,"timeout":"1m30s","tags":["x"],"headers":{"a":"b"}}`, true},
		"required but empty": {`{"base_url":"https://x","token":""}`, false},
		"unknown":            {base + `,"tokn":"x"}`, false},
		"unknown below":      {base + `,"verify":{"windw":"1s"}}`, false},
		"number for string":  {`{"base_url":"https://x","token":7}`, false},
		"string for number":  {base + `,"retries":"3"}`, false},
		"number as duration": {base + `,"timeout":5}`, false},
		"bad duration":       {base + `,"timeout":"5 seconds"}`, false},
		"list of numbers":    {base + `,"tags":[1]}`, false},
		"map of numbers":     {base + `,"headers":{"a":1}}`, false},
		"negative unsigned":  {base + `,"size":-1}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(tc.settings))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(doc); (err == nil) != tc.ok {
				t.Errorf("schema: %v", err)
			}
			if strings.HasPrefix(name, "required") { // only the gateway checks required settings
				return
			}
			if err := settings.Values([]byte(tc.settings)).Decode(&example{}); (err == nil) != tc.ok {
				t.Errorf("decode: %v", err)
			}
		})
	}
}

func TestDecodeFillsDefaultsAndValues(t *testing.T) {
	var got example
	err := settings.Values([]byte(`{"base_url":"https://x","token":"t","retries":0,"verify":{"key":"k"},"headers":{"a":"b"}}`)).Decode(&got)
	if err != nil {
		t.Fatal(err)
	}
	want := example{
		BaseURL: "https://x", Token: sdk.NewSecret("t"), Region: "eu", Ratio: 0.5, Timeout: 5 * time.Second,
		Tags: []string{"a", "b"}, Headers: map[string]string{"a": "b"},
		Verify:        exampleVerify{Window: 5 * time.Minute, Key: sdk.NewSecret("k")},
		exampleShared: exampleShared{Language: "en"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(example{})); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeErrorsNameTheSettingAndHideTheValue(t *testing.T) {
	for name, tc := range map[string]struct{ settings, want string }{
		"unknown":  {`{"verify":{"kye":"s3cret"}}`, "setting verify.kye: unknown; check the spelling"},
		"type":     {`{"retries":"s3cret"}`, "setting retries: a JSON string does not fit int"},
		"secret":   {`{"verify":{"keys":[31337]}}`, "setting verify.keys.0: a secret must be a string; put numbers in quotes"},
		"twice":    {`{"token":"s3cret","token":"s3cret"}`, "setting token: defined twice"},
		"no JSON":  {`{"token":`, "settings are not valid JSON at byte 9"},
		"duration": {`{"timeout":5}`, "setting timeout: "},
	} {
		t.Run(name, func(t *testing.T) {
			err := settings.Values([]byte(tc.settings)).Decode(&example{})
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Fatalf("got  %v\nwant %s", err, tc.want)
			}
			if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "31337") {
				t.Errorf("the value shows: %v", err)
			}
		})
	}
	if err := settings.Values(nil).Decode(example{}); err == nil {
		t.Error("a struct that is no pointer is taken")
	}
}

func TestMistakesInTags(t *testing.T) {
	for name, tc := range map[string]struct {
		settings any
		want     string
	}{
		"unknown word": {&struct {
			A string `json:"a" patchbay:"requird"`
		}{}, `a: unknown word "requird"`},
		"bad default": {&struct {
			A int `json:"a" patchbay:"default=x"`
		}{}, `a: default "x"`},
		"secret default": {&struct {
			A sdk.Secret `json:"a" patchbay:"default=x"`
		}{}, "a secret has no default"},
		"both": {&struct {
			A string `json:"a" patchbay:"required,default=x"`
		}{}, "exclude each other"},
		"bad pattern": {&struct {
			A string `json:"a" patchbay:"pattern=("`
		}{}, "a: pattern"},
		"no name": {&struct{ Wait int }{}, "field Wait: needs a json tag"},
		"function": {&struct {
			A func() `json:"a"`
		}{}, "a: func() cannot be a setting"},
		"no struct": {new(int), "want a pointer to a struct"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := settings.Of(tc.settings); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v", err)
			}
		})
	}
}
