package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

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
			commit, platform := telemetry.Commit(), runtime.GOOS+"/"+runtime.GOARCH
			if asJSON {
				return o.print(map[string]string{
					"version": o.process.Version, "commit": commit,
					"go_version": runtime.Version(), "platform": platform,
				})
			}
			fmt.Fprintf(o.process.Stdout, "patchbay %s (commit %s, %s, %s)\n",
				o.process.Version, commit, runtime.Version(), platform)
			return nil
		},
	}
	return o.withOutput(cmd)
}

// programVersion returns the version that the linker has set. If the linker has set none, as after go install, it
// returns the version of the program's module, or "dev" if that is unknown.
func programVersion(linked string, info *debug.BuildInfo) string {
	switch {
	case linked != "":
		return linked
	case info == nil || info.Main.Version == "" || info.Main.Version == "(devel)":
		return "dev"
	}
	return info.Main.Version
}
