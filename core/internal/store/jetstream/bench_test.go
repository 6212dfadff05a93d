package jetstream

import (
	"log/slog"
	"testing"
)

// BenchmarkAppend measures sequential appends as the writer makes them. Each append includes a sync.
func BenchmarkAppend(b *testing.B) {
	for name, n := range map[string]int{"2KiB": 2 << 10, "64KiB": 64 << 10} {
		b.Run(name, func(b *testing.B) {
			log, err := Open(b.Context(), Options{Dir: b.TempDir(), Cap: 16 << 30, FreeLow: 1 << 20,
				Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			defer log.Close()
			record := make([]byte, n)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			last := uint64(0)
			for b.Loop() {
				if err := log.Append(b.Context(), last, record); err != nil {
					b.Fatal(err)
				}
				last++
			}
		})
	}
}
