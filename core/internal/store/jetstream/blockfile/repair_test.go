package blockfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

const (
	stream = "a stream"
	number = 3
)

// block returns the records first to last as the server stores them, and the offset of each, including the end.
func block(t *testing.T, first, last uint64) (content []byte, offsets []int) {
	t.Helper()
	c, err := newChecker(stream, number)
	if err != nil {
		t.Fatal(err)
	}
	for seq := first; seq <= last; seq++ {
		offsets = append(offsets, len(content))
		content = append(content, c.encode(seq, "a.subject", fmt.Sprintf("Header: %d", seq), fmt.Sprintf("message %d", seq))...)
	}
	return content, append(offsets, len(content))
}

// encode returns a record. An empty header means none.
func (c *checker) encode(seq uint64, subject, header, message string) []byte {
	flag, start := uint32(0), frameSize+len(subject)
	var body []byte
	if header != "" {
		header = "NATS/1.0\r\n" + header + "\r\n\r\n"
		flag, start = headerFlag, start+4
		body = binary.LittleEndian.AppendUint32(body, uint32(len(header)))
	}
	body = append(append(body, header...), message...)
	b := binary.LittleEndian.AppendUint32(nil, uint32(frameSize+len(subject)+len(body)+sumSize)|flag)
	b = binary.LittleEndian.AppendUint64(b, seq)
	b = binary.LittleEndian.AppendUint64(b, 1700000000_000000000)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(subject)))
	b = append(append(b, subject...), body...)
	c.sum.Reset()
	_, _ = c.sum.Write(b[4:20])
	_, _ = c.sum.Write([]byte(subject))
	_, _ = c.sum.Write(b[start:])
	return binary.LittleEndian.AppendUint64(b, c.sum.Sum64())
}

// sequences returns the sequences of the records in a block, all of which must be intact.
func sequences(t *testing.T, content []byte) (seqs []uint64) {
	t.Helper()
	c, err := newChecker(stream, number)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(content); {
		size := c.record(content[at:])
		if size == 0 {
			t.Fatalf("the repaired block is damaged at %d of %d", at, len(content))
		}
		seqs = append(seqs, sequence(content[at:]))
		at += size
	}
	return seqs
}

func TestRepairCorrectsEachBit(t *testing.T) {
	t.Parallel()
	want, _ := block(t, 7, 12)
	for bit := range len(want) * 8 {
		damaged := bytes.Clone(want)
		damaged[bit/8] ^= 1 << (bit % 8)
		got, damages, last, err := Repair(stream, number, 6, damaged)
		if err != nil || !bytes.Equal(got, want) || len(damages) != 1 || !damages[0].Corrected || last != 12 {
			t.Fatalf("bit %d: Repair = %d bytes, %+v, %d, %v, want the intact block", bit, len(got), damages, last, err)
		}
	}
}

func TestRepairLosesOnlyDamagedRecords(t *testing.T) {
	t.Parallel()
	intact, offsets := block(t, 7, 30)
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		damaged := bytes.Clone(intact)
		from := random.IntN(len(intact))
		to := min(len(intact), from+2+random.IntN(150))
		for i := from; i < to; i++ {
			damaged[i] ^= byte(1 + random.IntN(255))
		}
		got, damages, _, err := Repair(stream, number, 6, damaged)
		var want []uint64
		for i, at := range offsets[:len(offsets)-1] {
			if to <= at || from >= offsets[i+1] {
				want = append(want, 7+uint64(i))
			}
		}
		if seqs := sequences(t, got); err != nil || !slices.Equal(seqs, want) || len(damages) == 0 {
			t.Fatalf("bytes %d to %d: Repair = %v, %+v, %v, want %v", from, to, seqs, damages, err, want)
		}
	}
}

func TestRepairKeepsRecordsOfShortBlock(t *testing.T) {
	t.Parallel()
	intact, offsets := block(t, 7, 12)
	for size := range len(intact) {
		got, damages, _, err := Repair(stream, number, 6, bytes.Clone(intact[:size]))
		whole := 0
		for whole < len(offsets)-1 && offsets[whole+1] <= size {
			whole++
		}
		if err != nil || len(got) != offsets[whole] || (len(damages) == 0) != (size == offsets[whole]) {
			t.Fatalf("%d bytes: Repair = %d bytes, %+v, %v, want %d records", size, len(got), damages, err, whole)
		}
	}
}

func TestRepairIgnoresImitations(t *testing.T) {
	t.Parallel()
	c, err := newChecker(stream, number)
	if err != nil {
		t.Fatal(err)
	}
	imitation := c.encode(9, "a.subject", "", "of a customer")
	damaged := c.encode(8, "a.subject", "", "before "+string(imitation)+" after")
	copy(damaged[frameSize+9:], "damage")
	got, _, last, err := Repair(stream, number, 7, append(damaged, c.encode(9, "a.subject", "", "real")...))
	if err != nil || last != 9 || !bytes.Contains(got, []byte("real")) || bytes.Contains(got, []byte("customer")) {
		t.Errorf("Repair = %q, %d, %v, want the real record 9", got, last, err)
	}
}

func TestRepairKeepsDeletionsAndTombstones(t *testing.T) {
	t.Parallel()
	c, err := newChecker(stream, number)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(c.encode(7|eraseFlag, "", "", ""), c.encode(5|tombstoneFlag, "", "", ""),
		c.encode(8, "a.subject", "", "message"))
	got, damages, last, err := Repair(stream, number, 6, bytes.Clone(want))
	if err != nil || !bytes.Equal(got, want) || damages != nil || last != 8 {
		t.Errorf("Repair = %d bytes, %+v, %d, %v, want the block unchanged", len(got), damages, last, err)
	}
}

func BenchmarkRepairIntact(b *testing.B) {
	c, err := newChecker(stream, number)
	if err != nil {
		b.Fatal(err)
	}
	var content []byte
	for seq := uint64(1); len(content) < 8<<20; seq++ {
		content = append(content, c.encode(seq, "a.subject", "Header: value", string(make([]byte, 1000)))...)
	}
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		if _, damages, _, err := Repair(stream, number, 0, content); err != nil || damages != nil {
			b.Fatal(damages, err)
		}
	}
}
