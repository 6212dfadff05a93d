package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"patchbay/core/internal/store"
)

// startTimeout limits the start of the server, which reads its index and, after a crash, the newest block files.
const startTimeout = 5 * time.Minute

// readyPoll is the interval at which the start checks for failure and for the end of its context.
const readyPoll = 100 * time.Millisecond

// maxPayload is the size limit of a server message in bytes. Records and snapshot pieces stay far below it.
const maxPayload = 1 << 20

// Names of the streams and subjects. The 0 in them is the number of the shard: a gateway has only one log.
const (
	logStream       = "patchbay_log_0"
	logSubject      = "patchbay.0.log"
	snapshotStream  = "patchbay_snapshot_0"
	snapshotSubject = "patchbay.0.snapshot.*"
	snapshotData    = "patchbay.0.snapshot.data"
	snapshotCommit  = "patchbay.0.snapshot.commit"
)

// engine is one run of the embedded server with its connections and streams. Recover replaces it.
type engine struct {
	server *server.Server
	// The server handles reads in the read loop of their connection, so appends use a separate connection.
	appends, reads *nats.Conn
	down           chan struct{} // closed when the connection appends is closed

	logPublisher, snapshotPublisher *publisher
	logStream, snapshotStream       js.Stream
}

// startEngine starts a server on dir. Call openStreams next.
func startEngine(ctx context.Context, dir string, logger *slog.Logger) (*engine, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "patchbay", StoreDir: dir, JetStream: true, SyncAlways: true,
		DontListen: true, NoSigs: true, NoLog: false, DisableJetStreamBanner: true,
		MaxPayload:         maxPayload,
		JetStreamMaxStore:  1 << 60, // no limit: the caps of the streams and the free space apply instead
		JetStreamMaxMemory: 64 << 20,
	})
	if err != nil {
		return nil, fmt.Errorf("configure the embedded server: %w", err)
	}
	log := serverLogger{logger, make(chan string, 1)}
	s.SetLoggerV2(log, false, false, false)
	e := &engine{server: s, down: make(chan struct{})}
	s.Start()
	if err := e.awaitReady(ctx, log.fatal); err != nil {
		e.stop()
		return nil, fmt.Errorf("start the embedded server: %w: %w", store.ErrUnavailable, err)
	}
	if err := e.connect(logger); err != nil {
		e.stop()
		return nil, err
	}
	return e, nil
}

// awaitReady waits until the server is ready, has failed, or ctx ends.
func (e *engine) awaitReady(ctx context.Context, fatal <-chan string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not ready within %s", startTimeout))
	defer cancel()
	for !e.server.ReadyForConnections(readyPoll) {
		select {
		case text := <-fatal:
			return errors.New(text)
		case <-ctx.Done():
			return context.Cause(ctx)
		default:
		}
	}
	if !e.server.JetStreamEnabled() {
		return errors.New("storage is not enabled")
	}
	return nil
}

func (e *engine) connect(logger *slog.Logger) (err error) {
	failed := nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		logger.Warn("store connection failed", "error", err)
	})
	e.appends, err = nats.Connect("", nats.InProcessServer(e.server), nats.NoReconnect(), nats.Name("appends"), failed,
		nats.ClosedHandler(func(*nats.Conn) { close(e.down) }))
	if err != nil {
		return fmt.Errorf("connect to the embedded server: %w", err)
	}
	// A failed read does not cause a Recover, so this connection reconnects.
	e.reads, err = nats.Connect("", nats.InProcessServer(e.server), nats.MaxReconnects(-1),
		nats.ReconnectWait(50*time.Millisecond), nats.Name("reads"), failed)
	if err != nil {
		return fmt.Errorf("connect to the embedded server: %w", err)
	}
	return nil
}

// openStreams opens both streams. It creates a missing stream.
func (e *engine) openStreams(ctx context.Context, limit uint64) (err error) {
	client, err := js.New(e.reads)
	if err != nil {
		return fmt.Errorf("open the streams: %w", err)
	}
	e.logStream, err = openStream(ctx, client, streamConfig(logStream, limit))
	if err != nil {
		return err
	}
	e.snapshotStream, err = openStream(ctx, client, streamConfig(snapshotStream, limit))
	if err != nil {
		return err
	}
	if e.logPublisher, err = newPublisher(e.appends, e.down); err != nil {
		return err
	}
	e.snapshotPublisher, err = newPublisher(e.reads, e.down)
	return err
}

// streamConfig configures a stream that keeps messages until a purge. The log refuses new ones at its limit. Only the
// disk limits snapshots: without them the log could not be purged.
func streamConfig(name string, limit uint64) js.StreamConfig {
	c := js.StreamConfig{
		Name: name, Subjects: []string{logSubject}, Storage: js.FileStorage, Replicas: 1,
		Retention: js.LimitsPolicy, Discard: js.DiscardNew, MaxBytes: int64(store.Overflow * limit),
		MaxMsgs: -1, MaxMsgsPerSubject: -1, MaxConsumers: -1, MaxMsgSize: -1,
		AllowDirect: true, DenyDelete: true,
	}
	if name == snapshotStream {
		c.Subjects, c.MaxBytes = []string{snapshotSubject}, -1
	}
	return c
}

func openStream(ctx context.Context, client js.JetStream, want js.StreamConfig) (js.Stream, error) {
	stream, err := client.Stream(ctx, want.Name)
	switch {
	case err == nil && stream.CachedInfo().Config.MaxBytes == want.MaxBytes:
		return stream, nil
	case err == nil:
		stream, err = client.UpdateStream(ctx, want)
	case errors.Is(err, js.ErrStreamNotFound):
		stream, err = client.CreateStream(ctx, want)
	}
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", want.Name, err)
	}
	return stream, nil
}

// stop closes the connections, shuts the server down and waits until it has written everything.
func (e *engine) stop() {
	if e.appends != nil {
		e.appends.Close()
		<-e.down
	}
	if e.reads != nil {
		e.reads.Close()
	}
	e.server.Shutdown()
	e.server.WaitForShutdown()
}
