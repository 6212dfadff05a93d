package jetstream

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/minio/highwayhash"
	"github.com/nats-io/nats-server/v2/server"

	"patchbay/core/internal/disk"
)

// repairDescription writes the server's description of a stream again, from the known configuration, if it is missing
// or does not match its checksum. Otherwise the server would not open the stream.
func (l *Log) repairDescription(folder, stream string) error {
	path, sumPath := filepath.Join(folder, server.JetStreamMetaFile), filepath.Join(folder, server.JetStreamMetaFileSum)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	sum, err := os.ReadFile(sumPath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	want, err := descriptionSum(stream, text)
	if err != nil || bytes.Equal(sum, want) {
		return err
	}
	if text, err = l.description(stream); err != nil {
		return err
	}
	if want, err = descriptionSum(stream, text); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := errors.Join(disk.Replace(path, text), disk.Replace(sumPath, want)); err != nil {
		return err
	}
	l.logger.Warn("store wrote a missing or damaged description of a stream again", "file", path)
	return nil
}

// description returns the description of a stream as the server stores it.
func (l *Log) description(stream string) ([]byte, error) {
	request, err := json.Marshal(streamConfig(stream, l.limit))
	if err != nil {
		return nil, err
	}
	info := server.FileStreamInfo{Created: time.Now().UTC()}
	if err := json.Unmarshal(request, &info.StreamConfig); err != nil {
		return nil, err
	}
	info.Metadata = map[string]string{server.JSRequiredLevelMetadataKey: "0"}
	return json.Marshal(info)
}

// descriptionSum returns the checksum that the server stores with a description.
func descriptionSum(stream string, text []byte) ([]byte, error) {
	key := sha256.Sum256([]byte(stream))
	sum, err := highwayhash.New64(key[:])
	if err != nil {
		return nil, err
	}
	_, _ = sum.Write(text)
	return hex.AppendEncode(nil, sum.Sum(nil)), nil
}
