package plugin

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// keepText redacts nothing.
func keepText(s string) string { return s }

// decode returns the output of the decoder for an input, without times.
func decode(t testing.TB, input string) (string, *stderrDecoder) {
	t.Helper()
	var out bytes.Buffer
	d := newStderrDecoder(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{}
			}
			return a
		},
	})), keepText)
	d.readFrom(strings.NewReader(input))
	return out.String(), d
}

func TestStderrIsDecoded(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"slog": {
			`{"time":"2026-01-01T00:00:00Z","level":"WARN","msg":"slow","seconds":1.5,"n":3,"ok":true,"none":null}`,
			`level=WARN msg=slow seconds=1.5 n=3 ok=true none=<nil>`},
		"hclog":         {`{"@level":"error","@message":"bad","@module":"m","@timestamp":"x","z":1,"a":2}`, `level=ERROR msg=bad module=m z=1 a=2`},
		"trace level":   {`{"@level":"trace","@message":"x"}`, `level=DEBUG msg=x`},
		"other level":   {`{"level":"LOUD","msg":"x"}`, `level=INFO msg=x`},
		"offset level":  {`{"level":"INFO+2","msg":"x"}`, `level=INFO+2 msg=x`},
		"group":         {`{"level":"INFO","msg":"x","g":{"a":{"b":"c"}},"l":[1,2]}`, `level=INFO msg=x g.a.b=c l=[1,2]`},
		"number as msg": {`{"@message":1}`, `level=INFO msg=1`},
		"odd types":     {`{"@level":[],"@message":{"a":1},"@timestamp":{}}`, `level=INFO msg="[a=1]"`},
		"other JSON":    {`{"a":1}`, `level=WARN msg="stray output" stream=stderr text="{\"a\":1}"`},
		"cut JSON":      {`{"msg":"x"`, `level=WARN msg="stray output" stream=stderr text="{\"msg\":\"x\""`},
		"text":          {"hello\r\n\n", `level=WARN msg="stray output" stream=stderr text=hello`},
		"bytes":         {"\x00\xff", "level=WARN msg=\"stray output\" stream=stderr text=\"\\x00\ufffd\""},
		"empty":         {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := decode(t, tc.in)
			if strings.TrimSpace(got) != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

const trace = "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:7 +0x1d\nexit status 2"

func TestPanicIsOneRecord(t *testing.T) {
	got, d := decode(t, `{"level":"INFO","msg":"before"}`+"\n"+trace+"\n"+`{"level":"INFO","msg":"after"}`+"\n")
	lines := strings.Split(strings.TrimSpace(got), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], `level=ERROR msg="adapter crashed" trace="panic: boom\n\ngoroutine 1`) {
		t.Errorf("records:\n%s", got)
	}
	if d.panicText() != trace {
		t.Errorf("panic text %q", d.panicText())
	}
}

func TestLongOutputIsBounded(t *testing.T) {
	got, _ := decode(t, strings.Repeat("x", 3*maxLogLine)+"\nnext\n")
	if len(got) > maxLogLine+1000 || !strings.Contains(got, "truncated=true") || !strings.Contains(got, "text=next") {
		t.Errorf("%d bytes of log", len(got))
	}
	_, d := decode(t, "panic: deep\n"+strings.Repeat("frame\n", 100_000))
	if n := len(d.panicText()); n > maxPanicText+10 {
		t.Errorf("panic text of %d bytes", n)
	}
	var many strings.Builder
	for i := range 100 {
		fmt.Fprintf(&many, "line %d %s\n", i, strings.Repeat("y", 2*tailLineBytes))
	}
	_, d = decode(t, many.String())
	if tail := d.tailText(); len(tail) > tailLines*(tailLineBytes+1) || !strings.Contains(tail, "line 99") || strings.Contains(tail, "line 79 ") {
		t.Errorf("tail of %d bytes", len(tail))
	}
}

func TestRateOfRecordsIsLimited(t *testing.T) {
	got, _ := decode(t, strings.Repeat(`{"level":"INFO","msg":"x"}`+"\n", 5*logBurst))
	if n := strings.Count(got, "msg=x"); n < logBurst || n > 2*logBurst {
		t.Errorf("%d records", n)
	}
	if !strings.Contains(got, "lines of the adapter dropped") {
		t.Error("the dropped lines are not reported")
	}
}

func TestStrayWriterJoinsPieces(t *testing.T) {
	var out bytes.Buffer
	w := &strayWriter{stream: "stdout", out: newStderrDecoder(slog.New(slog.NewTextHandler(&out, nil)), keepText)}
	for _, p := range []string{"he", "llo\nwor", "ld", strings.Repeat("z", 10*tailLineBytes)} {
		if n, err := w.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	w.flush()
	if got := out.String(); !strings.Contains(got, "text=hello\n") || !strings.Contains(got, "text=worldzzz") ||
		len(got) > 2*tailLineBytes {
		t.Errorf("records:\n%s", got)
	}
}

func FuzzStderr(f *testing.F) {
	for _, s := range []string{
		`{"@message":1}`, `{"level":"INFO","msg":"x","g":{"a":[1,{"b":null}]}}`, trace, "{}\n{}", "\xff{", `{"a":1e999}`, `{"msg":"\ud800"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, d := decode(t, string(b))
		if len(bytes.TrimSpace(b)) > 0 && got == "" {
			t.Error("nothing was written")
		}
		_, _ = d.panicText(), d.tailText()
	})
}
