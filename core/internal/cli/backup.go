package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"patchbay/core/internal/app"
	"patchbay/core/internal/telemetry"
)

func newBackup(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "Copy the store of the running gateway into a file", Args: arguments("FILE"),
		Long: `Copy the store of the running gateway into a file: all accepted messages, the
conversations and the dead letters, as of one moment. The gateway goes on
meanwhile. The file contains customers' messages. Media and the configuration
are not in it. 'patchbay restore' makes a store from the file.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			size, err := o.saveBackup(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(o.process.Stdout, "%s: %d bytes\n", args[0], size)
			return nil
		},
	}
}

// saveBackup writes the backup to a temporary file next to path, and renames it when it is complete. An existing file
// is kept.
func (o *options) saveBackup(ctx context.Context, path string) (size int64, err error) {
	if _, err := os.Lstat(path); err == nil {
		return 0, failure(fmt.Errorf("back up to %s: the file exists; use another name", path))
	}
	body, err := o.open(ctx, http.MethodGet, "/api/backup")
	if err != nil {
		return 0, err
	}
	defer body.Close()
	file, err := os.CreateTemp(filepath.Dir(path), ".patchbay-backup-*") // with mode 0600
	if err != nil {
		return 0, failure(fmt.Errorf("back up to %s: %w", path, err))
	}
	defer os.Remove(file.Name()) // fails after the rename
	size, err = io.Copy(file, body)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return 0, failure(fmt.Errorf("back up to %s: %w; the log output of the gateway can have the cause", path, err))
	}
	return size, nil
}

func newRestore(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "restore FILE FOLDER", Short: "Make a store from a backup", Args: arguments("FILE", "FOLDER"),
		Long: `Make the folder of a store from a backup. The folder must be empty or missing.
Then start a gateway with 'store.dir' set to this folder. Messages that were
accepted after the backup are not in the store; deliveries that have ended since
are repeated, so customers and agents can get them twice.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := os.Open(args[0])
			if err != nil {
				return failure(err)
			}
			defer file.Close()
			info, err := file.Stat()
			if err != nil {
				return failure(err)
			}
			log := telemetry.NewLogger(o.process.Stderr, "text", "warn")
			if err := app.Restore(cmd.Context(), args[1], file, info.Size(), log); err != nil {
				return failure(err)
			}
			fmt.Fprintf(o.process.Stdout, "%s is restored; set store.dir to it and start the gateway\n", args[1])
			return nil
		},
	}
}
