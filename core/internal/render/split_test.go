package render

import (
	"strings"
	"testing"
	"unicode/utf8"

	"patchbay/sdk/envelope"
)

func checkPieces(t *testing.T, text string, limit int) {
	t.Helper()
	n := CountPieces(uint32(len(text)), limit)
	var joined strings.Builder
	for i := range n {
		p := Piece(text, i, n, limit)
		if len(p) > limit {
			t.Errorf("piece %d of %d has %d bytes, limit %d", i, n, len(p), limit)
		}
		if !utf8.ValidString(p) {
			t.Errorf("piece %d of %d cuts a character: %q", i, n, p)
		}
		joined.WriteString(p)
	}
	if joined.String() != text {
		t.Errorf("%d pieces joined differ from the text (limit %d)", n, limit)
	}
}

func TestPieces(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		limit      int
		want       []string
	}{
		{"within the limit", "short", 5, []string{"short"}},
		{"no limit", strings.Repeat("x", 1000), 0, []string{strings.Repeat("x", 1000)}},
		{"no white space", "abcdefghijkl", 8, []string{"abcd", "efgh", "ijkl"}},
		{
			"after a word", strings.Repeat("x", 66) + " " + strings.Repeat("y", 30), 80,
			[]string{strings.Repeat("x", 66) + " ", strings.Repeat("y", 30)},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := CountPieces(uint32(len(tc.text)), tc.limit)
			var got []string
			for i := range n {
				got = append(got, Piece(tc.text, i, n, tc.limit))
			}
			if strings.Join(got, "|") != strings.Join(tc.want, "|") {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestPiecesOfTextShorterThanItsCountedLength(t *testing.T) {
	n := CountPieces(1000, 50)
	var joined string
	for i := range n {
		joined += Piece("not so long after all", i, n, 50)
	}
	if joined != "not so long after all" {
		t.Errorf("got %q", joined)
	}
}

// Cuts are between clusters, also if the limit of the channel is small.
func TestPiecesKeepClusters(t *testing.T) {
	for name, cluster := range map[string]string{
		"Thai": "ที่", "Hindi": "क्षि", "family": "👨‍👩‍👧", "accent": "e\u0301", "flag": "🇩🇪", "couple": "👩🏽‍❤️‍💋‍👨🏽", "line": "a\r\n",
	} {
		for _, limit := range []int{160, 500, 1000, 1024, 4096} {
			for prefix := range 5 {
				text := strings.Repeat("x", prefix) + strings.Repeat(cluster, 10_000/len(cluster))
				checkPieces(t, text, limit)
				n := CountPieces(uint32(len(text)), limit)
				for i := range n {
					if p := strings.TrimLeft(Piece(text, i, n, limit), "x"); strings.ReplaceAll(p, cluster, "") != "" {
						t.Fatalf("%s: piece %d of %d cuts a cluster with limit %d: %+q", name, i, n, limit, p)
					}
				}
			}
		}
	}
}

// Blank pieces of a long run of spaces are not sent. The other pieces joined are the rest of the text.
func TestBlankPiecesAreEmpty(t *testing.T) {
	body := "start" + strings.Repeat(" ", 3000) + strings.Repeat("\u200b", 1000) + "end"
	e := &envelope.Envelope{Kind: envelope.KindMessage, Parts: []envelope.Part{envelope.TextPart(body)}}
	target := &Target{TextBytes: 1024}
	n, sent := CountPieces(uint32(len(body)), target.TextBytes), ""
	for i := range n {
		c := ShareOf(Extent{}, i, n, target).Render(e, target, nil)
		if sent += c.Text; c.Text != "" && strings.Trim(c.Text, " \u200b") == "" {
			t.Errorf("piece %d of %d is blank", i, n)
		}
	}
	if !strings.HasPrefix(sent, "start") || !strings.HasSuffix(sent, "end") {
		t.Errorf("sent %+q", sent)
	}
}

func FuzzPiece(f *testing.F) {
	f.Add("hello world, this is a text", 8)
	f.Add(strings.Repeat("客服 ", 50), 40)
	f.Add(strings.Repeat("🙂", 50), 4)
	f.Add(strings.Repeat("a b\n", 500), 160)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if !utf8.ValidString(text) || limit < utf8.UTFMax || limit > 1<<20 {
			return
		}
		checkPieces(t, text, limit)
	})
}
