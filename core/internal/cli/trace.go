package cli

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"patchbay/core/internal/trail"
)

func newTrace(o *options) *cobra.Command {
	var text, all bool
	cmd := &cobra.Command{
		Use:   "trace ID",
		Short: "Show the path of a message",
		Long: `Show each step of the conversations that an id belongs to, and the reasons of
pending deliveries. The id can be that of a message (the gateway's or the
vendor's), a delivery, a conversation, a thread or a customer.

If a thread or a customer has a live conversation, trace shows no earlier ones,
except one that was closed within the last minutes. --all shows all of them and
reads the whole log. For an id that the gateway made, --all has no effect. A
vendor's message id, and a thread or a customer without a live conversation,
also require reading the whole log.

For the id of a message or a delivery, the sign > marks its steps.`,
		Args: arguments("ID"),
	}
	cmd.Flags().BoolVar(&text, "text", false, "show the texts, which are personal data")
	cmd.Flags().BoolVar(&all, "all", false, "show all conversations of a thread or customer")
	return show(o, cmd, "", func(args []string) string {
		q := url.Values{"id": {args[0]}}
		for name, set := range map[string]bool{"text": text, "all": all} {
			if set {
				q.Set(name, "1")
			}
		}
		return "/api/trace?" + q.Encode()
	}, func(w io.Writer, found *foundTrails) {
		for _, c := range found.Conversations {
			writeTrail(w, c)
		}
	})
}

// foundTrails is the response of /api/trace.
type foundTrails struct {
	ID            string                `json:"id"`
	Conversations []*trail.Conversation `json:"conversations"`
}

// writeTrail prints the steps and the state of one conversation.
func writeTrail(w io.Writer, c *trail.Conversation) {
	state := "ended"
	if c.Live {
		state = "live"
	}
	if c.ID == "" {
		fmt.Fprintln(w, "no conversation")
	} else {
		fmt.Fprintf(w, "conversation %s (%s)\n", c.ID, state)
	}
	steps, channels := 0, 0 // widths
	for i := range c.Entries {
		steps, channels = max(steps, len(c.Entries[i].Step)), max(channels, len(c.Entries[i].Channel))
	}
	for i := range c.Entries {
		e := &c.Entries[i]
		at := e.At.UTC().Format("2006-01-02T15:04:05.000Z")
		mark := " "
		if e.Searched {
			mark = ">"
		}
		wrap(w, fmt.Sprintf("%s %s  %-*s  %-*s  ", mark, at, steps, e.Step, channels, e.Channel), "      ", details(e))
	}
	if c.State != nil {
		writeState(w, c)
	}
}

// details joins the details of a step.
func details(e *trail.Entry) string {
	var out []string
	add := func(name, value string) {
		if value != "" {
			out = append(out, name+value)
		}
	}
	add("", e.Kind)
	add("from ", e.Role)
	add("rule ", e.Rule)
	add("", e.Detail)
	add("message ", e.Envelope)
	add("delivery ", e.Delivery)
	add("vendor's id ", e.VendorID)
	if e.Text != "" {
		add("", fmt.Sprintf("%q", e.Text))
	}
	return strings.Join(out, ", ")
}

func writeState(w io.Writer, c *trail.Conversation) {
	s := c.State
	fmt.Fprintf(w, "  owner %s (epoch %d, since %s), home %s\n",
		s.Owner, s.Epoch, s.OwnerSince.Format(time.RFC3339), s.Home)
	if s.ClosedBy != "" {
		fmt.Fprintf(w, "  closed by %s\n", s.ClosedBy)
	}
	if s.Offer != "" {
		fmt.Fprintf(w, "  offered to %s until %s\n", s.Offer, s.OfferUntil.Format(time.RFC3339))
	}
	if len(c.Pending) == 0 && c.Wait == nil {
		fmt.Fprintln(w, "  no pending deliveries")
	}
	for _, d := range c.Pending {
		target := d.Channel
		if d.Delivery != "" {
			target += " " + d.Delivery
		}
		wrap(w, fmt.Sprintf("  %s: %s to %s: ", d.Status, d.Kind, target), "      ", d.Reason)
	}
	if c.Wait != nil {
		since := c.Wait.Since.Format(time.RFC3339)
		wrap(w, fmt.Sprintf("  waits for %s since %s: ", c.Wait.Channel, since), "      ", c.Wait.Reason)
	}
}
