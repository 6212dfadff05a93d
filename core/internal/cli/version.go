package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"patchbay/core/internal/telemetry"
)

func newVersion(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			asJSON, err := o.wantsJSON()
			if err != nil {
				return err
			}
			if asJSON {
				return o.print(map[string]string{"version": o.process.Version, "commit": telemetry.Commit(), "go_version": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
			}
			fmt.Fprintf(o.process.Stdout, "patchbay %s (commit %s, %s, %s/%s)\n", o.process.Version, telemetry.Commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "table", "table or json")
	return cmd
}
