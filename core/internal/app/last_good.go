package app

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/config"
	"patchbay/core/internal/disk"
)

// The contents of the newest two configuration files that were in force are kept in the folder of the store. A reload
// can go back to the previous one, and a start can use the current one instead of the file. They contain no values of
// references.
const (
	currentFile  = "current.yaml"
	previousFile = "previous.yaml"
)

func configDir(storeDir string) string { return filepath.Join(storeDir, "config") }

// LastGood returns the content of the configuration file that was in force last. storeDir is the folder of the store.
func LastGood(storeDir string) ([]byte, error) { return readKeptFile(storeDir, currentFile) }

func readKeptFile(storeDir, name string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(configDir(storeDir), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no configuration is kept in %s", configDir(storeDir))
	}
	if err != nil {
		return nil, fmt.Errorf("read the kept configuration: %w", err)
	}
	return data, nil
}

// read reads the configuration of a reload. It also returns the cause of the reload for the log.
func (a *App) read(former *config.Config, req admin.ReloadRequest) (cfg *config.Config, cause string, err error) {
	if !req.Previous {
		cfg, err = former.Reload(nil)
		return cfg, "reload", err
	}
	data, err := readKeptFile(former.Store.Dir, previousFile)
	if err != nil {
		return nil, "", err
	}
	cfg, err = former.Reload(data)
	return cfg, "previous", err
}

// keep keeps the revision's file and the descriptions of its adapters. Failures are logged only: the revision is in
// force.
func (a *App) keep(r *revision) {
	r.plugins.keep(r.cfg)
	if err := keepFile(r.cfg.Store.Dir, r.cfg.Content()); err != nil {
		a.log.Warn("configuration is not kept", "error", err)
	}
}

// keepFile makes content the current file, and the former current file the previous one.
func keepFile(storeDir string, content []byte) error {
	dir := configDir(storeDir)
	if err := disk.MakeFolder(dir); err != nil {
		return err
	}
	former, err := os.ReadFile(filepath.Join(dir, currentFile))
	switch {
	case err == nil && bytes.Equal(former, content):
		return nil
	case err == nil:
		if err := disk.Replace(filepath.Join(dir, previousFile), former); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return disk.Replace(filepath.Join(dir, currentFile), content)
}
