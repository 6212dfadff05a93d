package blockfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"

	"github.com/minio/highwayhash"
)

// Layout of a record: length (4 bytes, with headerFlag), sequence (8, with eraseFlag or tombstoneFlag), time (8), length
// of the subject (2), subject, then with headerFlag the length of the headers (4) and the headers, then the message and
// the checksum (8). Integers are little-endian. The checksum does not cover the three lengths.
const (
	frameSize  = 4 + 8 + 8 + 2
	sumSize    = highwayhash.Size64
	minRecord  = frameSize + sumSize
	headerFlag = 1 << 31
	eraseFlag  = 1 << 63
	// tombstoneFlag marks a record without content that remembers a deleted sequence.
	tombstoneFlag = 1 << 62
)

// checker checks the records of one block.
type checker struct{ sum hash.Hash64 }

func newChecker(stream string, number uint32) (*checker, error) {
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", stream, number))
	sum, err := highwayhash.New64(key[:])
	if err != nil {
		return nil, err
	}
	return &checker{sum}, nil
}

// lengths returns the size of the record at the start of b, the size of its subject, and the number of bytes after the
// subject that the checksum skips. All are 0 if no record with these lengths fits into b.
func lengths(b []byte) (size, subject, skipped int) {
	if len(b) < minRecord {
		return 0, 0, 0
	}
	length := binary.LittleEndian.Uint32(b)
	subject = int(binary.LittleEndian.Uint16(b[20:]))
	if length&headerFlag != 0 {
		skipped = 4
	}
	size = int(length &^ headerFlag)
	if size > len(b) || size < minRecord+subject+skipped {
		return 0, 0, 0
	}
	return size, subject, skipped
}

// sequence returns the sequence of the record at the start of b, with its flags.
func sequence(b []byte) uint64 { return binary.LittleEndian.Uint64(b[4:]) }

// record returns the size of the record at the start of b, or 0 if it is damaged.
func (c *checker) record(b []byte) int {
	size, subject, skipped := lengths(b)
	if size == 0 {
		return 0
	}
	body := b[frameSize : size-sumSize]
	if skipped != 0 { // the checksum does not cover the length of the headers, but a blank line ends them
		end := bytes.Index(body[subject+skipped:], []byte("\r\n\r\n"))
		if end < 0 || binary.LittleEndian.Uint32(body[subject:]) != uint32(end+4) {
			return 0
		}
	}
	c.sum.Reset()
	_, _ = c.sum.Write(b[4:20])
	_, _ = c.sum.Write(body[:subject])
	_, _ = c.sum.Write(body[subject+skipped:])
	if c.sum.Sum64() != binary.LittleEndian.Uint64(b[size-sumSize:]) {
		return 0
	}
	return size
}

// correct searches for the one wrong bit of the record at the start of b. It corrects the bit in b and returns the size
// of the record, or returns 0. It subtracts the hashed bytes from budget, and tries only the frame if budget does not
// suffice for the whole record. A checksum of 64 bits makes it practically impossible that a wrong correction passes.
func (c *checker) correct(b []byte, budget *int) int {
	if len(b) < minRecord {
		return 0
	}
	size, _, _ := lengths(b)
	bits := max(size, frameSize) * 8
	if size > 0 && bits > *budget/size { // too large: try the frame only
		bits = frameSize * 8
	}
	for bit := range bits {
		b[bit/8] ^= 1 << (bit % 8)
		fixed := c.record(b)
		if *budget -= max(fixed, size); fixed != 0 {
			return fixed
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
	return 0
}
