package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"patchbay/core/internal/config"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

func newRoutes(o *options) *cobra.Command {
	return group("routes", "Show the routes", newRoutesGraph(o))
}

func newRoutesGraph(o *options) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "graph",
		Short: "Draw how control of conversations moves",
		Long: `Draw how control of conversations moves, as a Mermaid flowchart or as JSON. The
nodes are the channels. An arrow is a rule that moves control from one channel
to another one, or that ends the conversation. A dotted arrow is an offer, which
needs acceptance. Adapters are not started, and no secret needs to be set.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(output, "mermaid", "json"); err != nil {
				return err
			}
			cfg, err := config.Load(config.Options{Path: o.config, NoSecrets: true})
			if err != nil {
				return o.invalid(exitFound, err, o.validate(cmd.Context(), nil))
			}
			g := newGraph(cfg)
			if output == "json" {
				return o.print(g)
			}
			fmt.Fprint(o.process.Stdout, g.mermaid())
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "mermaid", "`format`: mermaid or json")
	return cmd
}

type graph struct {
	Channels []graphChannel `json:"channels"`
	Moves    []route.Move   `json:"moves"`
}

type graphChannel struct {
	Name  string        `json:"name"`
	Role  envelope.Role `json:"role"`
	Owner string        `json:"owner,omitempty"` // of role customer: the channel that answers first and is home
}

func newGraph(cfg *config.Config) *graph {
	g := &graph{Channels: []graphChannel{}, Moves: route.Moves(cfg.Routes, cfg.Roles())}
	for i := range cfg.Channels {
		ch := &cfg.Channels[i]
		g.Channels = append(g.Channels, graphChannel{ch.Name, ch.Role, ch.Owner})
	}
	return g
}

// mermaid draws the graph.
func (g *graph) mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for i, ch := range g.Channels {
		left, right := "[", "]"
		switch ch.Role {
		case envelope.RoleCustomer:
			left, right = "([", "])"
		case envelope.RoleObserver:
			left, right = "[/", "/]"
		}
		fmt.Fprintf(&b, "  n%d%s\"%s · %s\"%s\n", i, left, ch.Name, ch.Role, right)
	}
	ends := false
	for _, ch := range g.Channels {
		if ch.Owner != "" {
			fmt.Fprintf(&b, "  %s --> %s\n", g.id(ch.Name), g.id(ch.Owner))
		}
	}
	for _, m := range g.Moves {
		for _, from := range m.Owners {
			g.arrows(&b, m, from)
		}
		ends = ends || m.Effect == "close"
	}
	if ends {
		b.WriteString("  closed(((closed)))\n")
	}
	return b.String()
}

// id returns the name of a channel's node.
func (g *graph) id(channel string) string {
	return fmt.Sprintf("n%d", slices.IndexFunc(g.Channels, func(ch graphChannel) bool { return ch.Name == channel }))
}

// homes returns the channels that are the home of a new conversation.
func (g *graph) homes() []string {
	var out []string
	for _, ch := range g.Channels {
		if ch.Owner != "" && !slices.Contains(out, ch.Owner) {
			out = append(out, ch.Owner)
		}
	}
	return out
}

// arrows draws the arrows of a move from one owner.
func (g *graph) arrows(b *strings.Builder, m route.Move, from string) {
	if m.Effect == "close" {
		fmt.Fprintf(b, "  %s -- \"%s\" --> closed\n", g.id(from), m.Rule)
	}
	for _, to := range m.To {
		targets := []string{to}
		if to == route.Home {
			targets = g.homes()
		}
		for _, target := range targets {
			switch {
			case target == from:
			case m.Effect == "offer":
				fmt.Fprintf(b, "  %s -. \"%s\" .-> %s\n", g.id(from), m.Rule, g.id(target))
			default:
				fmt.Fprintf(b, "  %s -- \"%s\" --> %s\n", g.id(from), m.Rule, g.id(target))
			}
		}
	}
}
