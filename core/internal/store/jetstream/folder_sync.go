package jetstream

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"patchbay/core/internal/disk"
)

// blockNames makes the names of new block files of a stream survive a power cut. The server syncs the content of a
// block, but not the folder in which it creates the file.
type blockNames struct {
	folder string

	mu   sync.Mutex // guards next
	next uint32     // number of the next block that the server creates
}

// reset syncs the stream's folders and its newest block, and finds the number of the next block. Call it when the
// server is idle. After a kill, the newest record can be in the block but not synced.
func (b *blockNames) reset() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	numbers, err := blockNumbers(b.folder)
	if err != nil {
		return err
	}
	b.next = 1
	synced := []string{b.folder, filepath.Dir(b.folder)}
	if n := len(numbers); n > 0 {
		b.next = numbers[n-1] + 1
		synced = append(synced, filepath.Join(b.folder, fmt.Sprintf(blockName, numbers[n-1])))
	}
	for _, path := range synced {
		if err := disk.SyncFile(path); err != nil {
			return err
		}
	}
	return nil
}

// sync syncs the folder if the server has created a block since the last call. Call it after each write.
func (b *blockNames) sync() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	created := false
	for ; ; b.next++ {
		if _, err := os.Lstat(filepath.Join(b.folder, fmt.Sprintf(blockName, b.next))); err != nil {
			break
		}
		created = true
	}
	if !created {
		return nil
	}
	return disk.SyncFolder(b.folder)
}

// syncFolders syncs all folders of the store, which the server creates without a sync.
func syncFolders(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return disk.SyncFolder(path)
	})
}
