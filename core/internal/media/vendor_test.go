package media

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"sync"
)

// chunkBytes is the chunk size of the fake vendor.
const chunkBytes = 1000

// vendor is a fake Source. Its media are identified by the Ref or the URL of a part.
type vendor struct {
	mu     sync.Mutex
	media  map[string]medium
	calls  []Request
	active int
	most   int // maximum number of concurrent calls
}

// medium is a medium of the fake vendor.
type medium struct {
	Info
	data []byte
	err  error         // returned after data
	wait chan struct{} // if not nil, the last chunk waits until wait is closed or ctx ends
}

func (v *vendor) put(handle string, m medium) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.media == nil {
		v.media = map[string]medium{}
	}
	v.media[handle] = m
}

// requests returns the number of calls for a handle.
func (v *vendor) requests(handle string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := 0
	for _, r := range v.calls {
		if r.Part.Ref == handle || r.Part.URL == handle {
			n++
		}
	}
	return n
}

func (v *vendor) begin(req Request) medium {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls = append(v.calls, req)
	v.active++
	v.most = max(v.most, v.active)
	return v.media[req.Part.URL+req.Part.Ref]
}

func (v *vendor) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.active--
}

// Fetch implements Source.
func (v *vendor) Fetch(ctx context.Context, req Request, info func(Info) error, chunk func([]byte) error) error {
	m := v.begin(req)
	defer v.end()
	if m.data == nil && m.err == nil {
		return fmt.Errorf("unknown medium %q", req.Part.URL+req.Part.Ref)
	}
	if err := info(m.Info); err != nil {
		return fmt.Errorf("callback: %w", err)
	}
	buf := make([]byte, chunkBytes) // reused for all chunks
	for rest := m.data; len(rest) > 0; {
		n := copy(buf, rest)
		rest = rest[n:]
		if len(rest) == 0 && m.wait != nil {
			select {
			case <-m.wait:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := chunk(buf[:n]); err != nil {
			return fmt.Errorf("callback: %w", err)
		}
	}
	return m.err
}

// picture returns a PNG of n bytes, at least 100. Random bytes follow the image data.
func picture(n int) []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, image.NewGray(image.Rect(0, 0, 2, 2))) // never fails
	for i := 0; b.Len() < n; i++ {
		b.WriteByte(byte(i*7 + i>>8))
	}
	return b.Bytes()[:n]
}

// png1 returns a picture with its type and its name.
func png1(n int) medium {
	return medium{Info: Info{ContentType: "image/png", Name: "cat.png", Size: int64(n)}, data: picture(n)}
}
