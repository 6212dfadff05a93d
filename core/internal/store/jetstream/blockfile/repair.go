// Package blockfile checks and repairs the block files in which the embedded server stores a stream. The server cuts
// off a block at the first damaged record. Repair removes only the damaged records, so that the rest stays readable.
package blockfile

const (
	// maxStep limits the distance between the sequences of two records, to recognize a record after damage.
	maxStep = 1 << 20
	// hashBudget limits the bytes to hash for the correction of one block, so that it takes less than a second.
	hashBudget = 2 << 30
)

// Damage is one damaged part of a block.
type Damage struct {
	Offset, Size int // in the damaged block, in bytes
	// Corrected means that one bit of one record was wrong and no record is lost.
	Corrected bool
	After     uint64 // sequence of the last intact record before it
}

// Check reports whether a stream's block with the given number is intact. last is the sequence of its newest record, 0
// if it has none.
func Check(stream string, number uint32, block []byte) (last uint64, intact bool, err error) {
	c, err := newChecker(stream, number)
	if err != nil {
		return 0, false, err
	}
	for len(block) > 0 {
		size := c.record(block)
		if size == 0 {
			return 0, false, nil
		}
		last = newest(last, block)
		block = block[size:]
	}
	return last, true, nil
}

// newest returns the larger of last and the sequence of the record at the start of b.
func newest(last uint64, b []byte) uint64 {
	if seq := sequence(b); seq&tombstoneFlag == 0 {
		return max(last, seq&^eraseFlag)
	}
	return last
}

// Repair returns the intact records of a stream's block with the given number, and the damaged parts, in order. A
// record with one wrong bit is corrected in block. last is the sequence of the newest record in the preceding blocks.
// next is the sequence of the newest record including this block.
func Repair(stream string, number uint32, last uint64, block []byte) (
	content []byte, damages []Damage, next uint64, err error,
) {
	c, err := newChecker(stream, number)
	if err != nil {
		return nil, nil, 0, err
	}
	budget := hashBudget
	intact := 0 // start of the intact records that are not in content yet
	for at := 0; at < len(block); {
		size := c.record(block[at:])
		if size == 0 {
			if size = c.correct(block[at:], &budget); size != 0 {
				damages = append(damages, Damage{at, size, true, last})
			}
		}
		if size != 0 {
			last = newest(last, block[at:])
			at += size
			continue
		}
		content = append(content, block[intact:at]...)
		intact = c.resync(block, at, last)
		damages = append(damages, Damage{at, intact - at, false, last})
		at = intact
	}
	if intact == 0 {
		return block, damages, last, nil
	}
	return append(content, block[intact:]...), damages, last, nil
}

// resync returns the offset of the next intact record after the damaged one at the given offset, or the block's end.
func (c *checker) resync(block []byte, at int, last uint64) int {
	// If the length of the damaged record is intact, skip the whole record: its content could imitate a record.
	if size, _, _ := lengths(block[at:]); size != 0 && (at+size == len(block) || c.record(block[at+size:]) != 0) {
		return at + size
	}
	for at++; at+minRecord <= len(block); at++ {
		if isPlausible(block[at:], last) && c.record(block[at:]) != 0 {
			return at
		}
	}
	return len(block)
}

// isPlausible reports whether b can start with a record that follows the record last. This check is cheaper than the
// checksum, so the search is fast.
func isPlausible(b []byte, last uint64) bool {
	size, subject, _ := lengths(b)
	seq := sequence(b)
	if seq&tombstoneFlag != 0 {
		return size == minRecord && subject == 0
	}
	seq &^= eraseFlag
	return size != 0 && seq > last && (last == 0 || seq-last < maxStep)
}
