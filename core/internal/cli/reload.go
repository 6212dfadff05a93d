package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/app"
	"patchbay/core/internal/config"
)

// reloadWait is the time that the command waits for the gateway, which may start new plugin processes.
const reloadWait = 2 * time.Minute

func newReload(o *options) *cobra.Command {
	var req admin.ReloadRequest
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Put the configuration file into force without a restart",
		Long: `Let the running gateway read its configuration file again. The gateway checks
the file with its adapters and puts it into force between two messages. Calls in
flight end under the former configuration. If the file has problems, nothing
changes, and the exit code is 3.

Conversations with a removed bot or desk go home, with the customer's messages
that have no answer. Messages for a removed customer or observer channel wait 24
hours for its return.

With --dry-run, the command shows the changes that the file would cause, and
nothing changes. With --previous, the configuration that was in force before is
put into force again; the file stays as it is.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := o.wantsJSON()
			if err != nil {
				return err
			}
			r, err := o.reload(cmd.Context(), &req)
			if err != nil {
				return err
			}
			return o.showReload(r, asJSON)
		},
	}
	cmd.Flags().BoolVar(&req.DryRun, "dry-run", false, "show the changes, but do not make them")
	cmd.Flags().BoolVar(&req.Previous, "previous", false, "go back to the configuration that was in force before")
	cmd.Flags().StringVar(&req.Reason, "reason", "", "`text` for the log output: why you give this command")
	return o.withOutput(cmd)
}

// reload calls the gateway. If the file cannot be read, its admin.listen is unknown. Then reload tries the default
// address, because the gateway reports the problems of the file.
func (o *options) reload(ctx context.Context, req *admin.ReloadRequest) (*admin.Reload, error) {
	_, unreadable := config.AdminListen(config.Options{Path: o.config})
	if o.admin == "" && unreadable != nil {
		o.admin, _ = config.AdminListen(config.Options{Path: o.config, Data: []byte("{}")})
		fmt.Fprintf(o.process.Stderr, "warning: %s is not readable, so the gateway is called at the default address "+
			"%s; use --admin for another address\n", o.config, o.admin)
	}
	req.User = operator()
	var r admin.Reload
	err := o.request(ctx, reloadWait, http.MethodPost, "/api/config/reload", req, &r)
	if c, ok := errors.AsType[*exitError](err); ok && c.code == exitService && unreadable != nil {
		_ = o.invalid(exitFound, unreadable, app.Findings{})
		return nil, &exitError{code: exitService, err: fmt.Errorf(
			"no gateway responds at %s: correct %s, or name the gateway's address with --admin", o.admin, o.config)}
	}
	return &r, err
}

// showReload prints the result of a reload. Its error has the exit code.
func (o *options) showReload(r *admin.Reload, asJSON bool) error {
	if asJSON {
		if err := o.print(r); err != nil {
			return err
		}
	} else {
		for _, w := range r.Warnings {
			fmt.Fprintf(o.process.Stderr, "warning: %s\n", w)
		}
		for _, p := range r.Problems {
			fmt.Fprintln(o.process.Stderr, p)
		}
	}
	switch {
	case r.OK() && asJSON:
		return nil
	case r.OK():
		writeReload(o.process.Stdout, r)
		return nil
	case r.Result == admin.ReloadRefused:
		return &exitError{code: exitFound, err: fmt.Errorf("%s: nothing has changed, revision %d stays in force",
			count(len(r.Problems), "problem"), r.Revision)}
	}
	return failure(errors.New("the reload failed, nothing has changed"))
}

// writeReload prints the changes and effects of a reload.
func writeReload(w io.Writer, r *admin.Reload) {
	if r.Result == admin.ReloadApplied {
		fmt.Fprintf(w, "revision %d is in force (%s)\n", r.Revision, r.Hash)
	} else {
		fmt.Fprintf(w, "%s is valid; nothing has changed, revision %d stays in force\n", r.Hash, r.Revision)
	}
	entries := func(kind string, d config.Difference) {
		for _, part := range []struct {
			verb  string
			names []string
		}{{"added", d.Added}, {"removed", d.Removed}, {"changed", d.Changed}} {
			if len(part.names) > 0 {
				fmt.Fprintf(w, "  %s %s: %s\n", kind, part.verb, strings.Join(part.names, ", "))
			}
		}
	}
	entries("adapters", r.Changes.Adapters)
	entries("channels", r.Changes.Channels)
	entries("routes", r.Changes.Routes)
	if r.Changes.Order {
		fmt.Fprintln(w, "  routes are in another order")
	}
	list := func(text string, names []string) {
		if len(names) > 0 {
			fmt.Fprintf(w, "  %s: %s\n", text, strings.Join(names, ", "))
		}
	}
	list("settings changed", r.Changes.Settings)
	list("adapters with a new process", r.Replaced)
	number := func(n int, text string) {
		if n > 0 {
			fmt.Fprintf(w, "  %s: %d\n", text, n)
		}
	}
	number(r.Effects.GoHome, "conversations that go home")
	number(r.Effects.OffersFail, "offers that fail")
	number(r.Effects.TimersDue, "timers that fall due")
	for _, name := range slices.Sorted(maps.Keys(r.Effects.Vanished)) {
		fmt.Fprintf(w, "  removed channel %s has deliveries: %d\n", name, r.Effects.Vanished[name])
	}
}
