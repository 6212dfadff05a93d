package jetstream

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"patchbay/core/internal/disk"
	"patchbay/core/internal/store"
	"patchbay/core/internal/store/jetstream/blockfile"
)

// blockName is the format of the name of a block file.
const blockName = "%d.blk"

// streamFolder returns the folder of a stream in the server's layout.
func streamFolder(dir, stream string) string {
	return filepath.Join(dir, "jetstream", "$G", "streams", stream)
}

// repair makes the files of the known streams readable for the server. Without the repair, the server would cut off a
// block at the first damaged record, and would not open a stream with a damaged description. The server must not run
// during the repair.
func (l *Log) repair(known []string) error {
	for _, stream := range known {
		folder := streamFolder(l.options.Dir, stream)
		if stream == logStream {
			if err := l.checkLogExists(); err != nil {
				return err
			}
		}
		if err := l.repairDescription(folder, stream); err != nil {
			return fmt.Errorf("repair the description of stream %s: %w", stream, err)
		}
		if err := l.repairBlocks(filepath.Join(folder, "msgs"), stream); err != nil {
			return fmt.Errorf("repair stream %s: %w", stream, err)
		}
	}
	return nil
}

// checkLogExists returns an error if the folder of the log is missing. Otherwise the server would create an empty log.
func (l *Log) checkLogExists() error {
	if _, err := os.Stat(streamFolder(l.options.Dir, logStream)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: stream %s is missing: restore a backup, or move the folder away to start empty",
			store.ErrDamaged, logStream)
	}
	return nil
}

// repairBlocks repairs the block files of a stream.
func (l *Log) repairBlocks(folder, stream string) error {
	numbers, err := blockNumbers(folder)
	if err != nil {
		return err
	}
	checked, err := checkBlocks(folder, stream, numbers)
	if err != nil {
		return err
	}
	last := uint64(0)
	for i, number := range numbers {
		if checked[i].intact {
			last = max(last, checked[i].last)
			continue
		}
		if last, err = l.repairBlock(blockPath(folder, number), stream, number, last, i == len(numbers)-1); err != nil {
			return err
		}
	}
	return nil
}

// repairBlock repairs a damaged block file. last is the sequence of the newest record before it. It returns the
// sequence of the newest record including this block.
func (l *Log) repairBlock(path, stream string, number uint32, last uint64, isLast bool) (uint64, error) {
	block, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	size := len(block)
	content, damages, next, err := blockfile.Repair(stream, number, last, block)
	if err != nil || len(damages) == 0 {
		return next, err
	}
	// A crash during a write leaves an incomplete record at the end, which was not acknowledged.
	cut := damages[0].Offset
	torn := isLast && !damages[0].Corrected && cut+damages[0].Size == size
	if err := l.keepDamaged(path, stream, cut); err != nil && !torn {
		return 0, fmt.Errorf("keep a copy of the damaged block %s: %w", path, err)
	}
	if len(content) > 0 { // a block without intact records may have an unknown format: leave it to the server
		if err := l.replaceBlock(path, content); err != nil {
			return 0, fmt.Errorf("replace the damaged block %s: %w", path, err)
		}
	}
	l.logDamages(path, torn, damages)
	if stream == logStream {
		l.keepReadable(block, damages)
	}
	return next, nil
}

type checkedBlock struct {
	last   uint64 // sequence of its newest record
	intact bool
}

// checkBlocks checks block files, several at the same time.
func checkBlocks(folder, stream string, numbers []uint32) ([]checkedBlock, error) {
	checked := make([]checkedBlock, len(numbers))
	var readers errgroup.Group
	n := runtime.GOMAXPROCS(0)
	for reader := range n {
		readers.Go(func() (err error) {
			var read bytes.Buffer // one for many blocks: allocating each would take as long as reading it
			for i := reader; i < len(numbers); i += n {
				read.Reset()
				if err := readFile(&read, blockPath(folder, numbers[i])); err != nil {
					return err
				}
				c := &checked[i]
				if c.last, c.intact, err = blockfile.Check(stream, numbers[i], read.Bytes()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return checked, readers.Wait()
}

func readFile(to *bytes.Buffer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = to.ReadFrom(f)
	return err
}

func blockPath(folder string, number uint32) string {
	return filepath.Join(folder, fmt.Sprintf(blockName, number))
}

// blockNumbers returns the numbers of the block files in a folder, in order.
func blockNumbers(folder string) (numbers []uint32, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, entry := range entries {
		var number uint32
		_, err := fmt.Sscanf(entry.Name(), blockName, &number)
		if err == nil && entry.Name() == fmt.Sprintf(blockName, number) {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers), nil
}

// replaceBlock writes the repaired block. First it deletes the server's index of the stream, which describes the
// damaged block.
func (l *Log) replaceBlock(path string, content []byte) error {
	if err := os.Remove(filepath.Join(filepath.Dir(path), "index.db")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return disk.Replace(path, content)
}
