package jetstream

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"patchbay/core/internal/store"
)

// A backup is a zip file. It contains, for each stream, the server's snapshot of the stream and its description, and a
// file that describes the backup. The state's snapshots come first, so the log reaches further than they do.

const (
	backupFormat = 1
	backupFile   = "backup.json" // the last file, so a backup that has it is complete
	// chunkTimeout is the time for a part of a stream. The server waits as long for the acknowledgement of a part.
	chunkTimeout = 30 * time.Second
)

// backupDescription is the content of backupFile.
type backupDescription struct {
	Format  int       `json:"format"`
	Created time.Time `json:"created"`
	First   uint64    `json:"first"` // sequences of the log when the backup began
	Last    uint64    `json:"last"`
}

// streamDescription is the data that the server needs, in addition to the messages, to restore a stream.
type streamDescription struct {
	Config json.RawMessage `json:"config"`
	State  json.RawMessage `json:"state"`
}

// Backup writes a consistent copy of the log and its snapshots to w. Records that are appended meanwhile may be missing
// from it. While it runs, Purge has no effect. Another call waits until it has ended.
func (l *Log) Backup(ctx context.Context, w io.Writer) error {
	l.backup.Lock()
	defer l.backup.Unlock()
	e, err := l.runningEngine()
	if err != nil {
		return fmt.Errorf("back up the store: %w", err)
	}
	b := l.Bounds()
	z := zip.NewWriter(w)
	for _, stream := range []string{snapshotStream, logStream} {
		if err := l.backupStream(ctx, e, z, stream); err != nil {
			return fmt.Errorf("back up stream %s: %w", stream, err)
		}
	}
	if err := writeJSON(z, backupFile, backupDescription{backupFormat, time.Now().UTC(), b.First, b.Last}); err != nil {
		return fmt.Errorf("back up the store: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("back up the store: %w", err)
	}
	return nil
}

func (l *Log) backupStream(ctx context.Context, e *engine, z *zip.Writer, stream string) error {
	if stream == snapshotStream { // so that the backup contains no incomplete snapshot of the state
		l.snapshotMu.Lock()
		defer l.snapshotMu.Unlock()
	}
	conn, err := nats.Connect("", nats.InProcessServer(e.server), nats.NoReconnect(), nats.Name("backup"))
	if err != nil {
		return fmt.Errorf("connect to the embedded server: %w", err)
	}
	defer conn.Close()
	chunks, err := conn.SubscribeSync(nats.NewInbox())
	if err != nil {
		return err
	}
	request, err := json.Marshal(server.JSApiStreamSnapshotRequest{DeliverSubject: chunks.Subject, NoConsumers: true})
	if err != nil {
		return err
	}
	var d streamDescription
	if err := askServer(ctx, conn, fmt.Sprintf(server.JSApiStreamSnapshotT, stream), request, &d); err != nil {
		return err
	}
	if err := writeJSON(z, stream+".json", d); err != nil {
		return err
	}
	file, err := z.CreateHeader(&zip.FileHeader{Name: stream + ".snapshot", Method: zip.Store}) // compressed already
	if err != nil {
		return err
	}
	return receiveChunks(ctx, chunks, file)
}

// receiveChunks writes the parts of a snapshot. An empty part is the last one; its status reports a failure.
func receiveChunks(ctx context.Context, chunks *nats.Subscription, w io.Writer) error {
	for {
		part, cancel := context.WithTimeout(ctx, chunkTimeout)
		msg, err := chunks.NextMsgWithContext(part)
		cancel()
		if err != nil {
			return fmt.Errorf("%w: no data from the embedded server: %w", store.ErrUnavailable, err)
		}
		if len(msg.Data) == 0 {
			if status := msg.Header.Get("Status"); status != "" && status != "204" {
				return fmt.Errorf("%w: the embedded server: %s %s", store.ErrUnavailable, status, msg.Header.Get("Description"))
			}
			return nil
		}
		if _, err := w.Write(msg.Data); err != nil {
			return err
		}
		if msg.Reply != "" {
			if err := msg.Respond(nil); err != nil {
				return err
			}
		}
	}
}

// askServer sends a request of the server's API, and decodes the response into v.
func askServer(ctx context.Context, conn *nats.Conn, subject string, request []byte, v any) error {
	ctx, cancel := context.WithTimeout(ctx, chunkTimeout)
	defer cancel()
	msg, err := conn.RequestWithContext(ctx, subject, request)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	var response server.ApiResponse
	if len(msg.Data) > 0 {
		if err := json.Unmarshal(msg.Data, &response); err != nil {
			return fmt.Errorf("read the response of the embedded server: %w", err)
		}
	}
	if response.Error != nil {
		return fmt.Errorf("the embedded server: %s", response.Error.Description)
	}
	if v == nil || len(msg.Data) == 0 {
		return nil
	}
	return json.Unmarshal(msg.Data, v)
}

func writeJSON(z *zip.Writer, name string, v any) error {
	file, err := z.Create(name)
	if err == nil {
		err = json.NewEncoder(file).Encode(v)
	}
	return err
}
