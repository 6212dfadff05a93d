package cli

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"patchbay/core/internal/admin"
)

func newAdapter(o *options) *cobra.Command {
	return group("adapter", "List and restart plugin processes, test an adapter", newAdapterList(o),
		newAdapterRestart(o), newAdapterTest(o))
}

func newAdapterList(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "List the adapters with the state of their processes", Args: noArguments,
	}
	return show(o, cmd, "adapters", func([]string) string { return "/api/adapters" }, writeAdapters)
}

// writeAdapters prints a line for each adapter, with its last error and the time of its next start below it.
func writeAdapters(w io.Writer, list []admin.Adapter) {
	var rows []row
	for _, a := range list {
		state := a.State
		if a.Overdue > 0 {
			state += fmt.Sprintf(", %d overdue", a.Overdue)
		}
		pid := "-"
		if a.PID != 0 {
			pid = strconv.Itoa(a.PID)
		}
		r := row{cells: []string{
			a.Name, state, a.Since.Format(time.RFC3339), cmp.Or(a.Version, "-"), pid, strconv.Itoa(a.Restarts),
		}}
		if firstLine, _, _ := strings.Cut(a.LastError, "\n"); firstLine != "" {
			r.below = []string{"last error: " + firstLine}
		}
		if a.NextStart != nil {
			r.below = append(r.below, "next start at "+a.NextStart.Format(time.RFC3339))
		}
		rows = append(rows, r)
	}
	header := []string{"NAME", "STATE", "SINCE", "VERSION", "PID", "RESTARTS"}
	writeList(w, header, rows, count(len(list), "adapter"))
}

func newAdapterRestart(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "restart NAME", Short: "Restart the plugin process of an adapter",
		Long: `Restart the plugin process of an adapter. Its running calls end first, and new
calls wait for the new process. An adapter in backoff or quarantine starts
immediately. The command does not wait for the new process; its state is in
'patchbay adapter list'.`,
		Args: arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var response struct{ Adapter, Status string }
			path := "/api/adapters/" + url.PathEscape(args[0]) + "/restart"
			if err := o.command(cmd.Context(), http.MethodPost, path, &admin.CommandRequest{}, &response); err != nil {
				return err
			}
			fmt.Fprintln(o.process.Stdout, response.Adapter, response.Status)
			return nil
		},
	}
}
