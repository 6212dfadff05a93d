package jetstream

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// restoreChunk is the size of the parts in which a stream is sent to the server.
const restoreChunk = 128 << 10

// Restore makes a store in options.Dir from a backup. The folder must be empty or missing. If Restore fails, it removes
// the folder.
func Restore(ctx context.Context, options Options, r io.ReaderAt, size int64) (err error) {
	if err := checkEmpty(options.Dir); err != nil {
		return fmt.Errorf("restore the store: %w", err)
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return fmt.Errorf("restore the store: read the backup: %w; it is incomplete, or no backup", err)
	}
	var d backupDescription
	if err := readJSON(z, backupFile, &d); err != nil {
		return fmt.Errorf("restore the store: %w", err)
	}
	if d.Format != backupFormat {
		return fmt.Errorf("restore the store: the backup has format %d, and this program reads %d; use the version that "+
			"wrote it", d.Format, backupFormat)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(options.Dir))
		}
	}()
	if err := restoreStreams(ctx, options, z); err != nil {
		return fmt.Errorf("restore the store: %w", err)
	}
	l, err := Open(ctx, options) // checks the store, and writes the format and the watermark
	if err != nil {
		return fmt.Errorf("check the restored store: %w", err)
	}
	b, missing := l.Bounds(), l.Health().Missing
	if err := l.Close(); err != nil {
		return err
	}
	if b.Last < d.Last || len(missing) > 0 {
		return fmt.Errorf("check the restored store: it ends at record %d and lacks %d ranges of records, and the backup "+
			"has records up to %d", b.Last, len(missing), d.Last)
	}
	return nil
}

func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("folder %s is not empty; move it away, or name another folder", dir)
	}
	return nil
}

func restoreStreams(ctx context.Context, options Options, z *zip.Reader) error {
	folder, err := openFolder(options.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = folder.unlock() }()
	e, err := startEngine(ctx, options.Dir, options.Logger)
	if err != nil {
		return err
	}
	defer e.stop()
	for _, stream := range []string{snapshotStream, logStream} {
		if err := restoreStream(ctx, e.reads, z, stream); err != nil {
			return fmt.Errorf("stream %s: %w", stream, err)
		}
	}
	return nil
}

func restoreStream(ctx context.Context, conn *nats.Conn, z *zip.Reader, stream string) error {
	var d streamDescription
	if err := readJSON(z, stream+".json", &d); err != nil {
		return err
	}
	request, err := json.Marshal(d)
	if err != nil {
		return err
	}
	var response server.JSApiStreamRestoreResponse
	if err := askServer(ctx, conn, fmt.Sprintf(server.JSApiStreamRestoreT, stream), request, &response); err != nil {
		return err
	}
	file, err := z.Open(stream + ".snapshot")
	if err != nil {
		return err
	}
	defer file.Close()
	chunk := make([]byte, restoreChunk)
	for {
		n, err := io.ReadFull(file, chunk)
		if n > 0 {
			if err := askServer(ctx, conn, response.DeliverSubject, chunk[:n], nil); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return askServer(ctx, conn, response.DeliverSubject, nil, nil) // the end
		case err != nil:
			return fmt.Errorf("read the backup: %w", err)
		}
	}
}

func readJSON(z *zip.Reader, name string, v any) error {
	file, err := z.Open(name)
	if err != nil {
		return fmt.Errorf("read the backup: it lacks %s; it is incomplete, or no backup", name)
	}
	defer file.Close()
	if err := json.NewDecoder(file).Decode(v); err != nil {
		return fmt.Errorf("read %s of the backup: %w", name, err)
	}
	return nil
}
