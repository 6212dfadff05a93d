package cli

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"patchbay/core/internal/app"
	"patchbay/core/internal/config"
)

//go:embed init.yaml
var startFile string

func newConfig(o *options) *cobra.Command {
	return group("config", "Start, show and describe the configuration", newConfigInit(o), newConfigShow(o),
		newConfigSchema(o))
}

func newConfigInit(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Write a configuration to start with",
		Long: `Write a configuration to start with: a live chat, a bot and a desk, with rules.
Its secrets are references to environment variables. The first line names the
JSON Schema for editors; 'patchbay config schema' prints it. The command does
not overwrite a file.`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			f, err := os.OpenFile(o.config, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if errors.Is(err, fs.ErrExist) {
				return failure(fmt.Errorf("write %s: the file exists; use --config to name another file", o.config))
			}
			if err != nil {
				return failure(fmt.Errorf("write %s: %w", o.config, err))
			}
			_, err = f.WriteString(startFile)
			if err = errors.Join(err, f.Close()); err != nil {
				return failure(fmt.Errorf("write %s: %w", o.config, err))
			}
			fmt.Fprintf(o.process.Stdout, "%s written\n", o.config)
			fmt.Fprintln(o.process.Stdout, "Check it: patchbay check --no-secrets")
			fmt.Fprintln(o.process.Stdout, "Help for your editor: patchbay config schema > patchbay.schema.json")
			return nil
		},
	}
}

func newConfigShow(o *options) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show the settings in force, with their sources",
		Long: `Show all settings in force and where each value comes from: a default, the file,
or an environment variable. Secrets are redacted, references are shown as
written, and no secret needs to be set. The command starts the adapters, because
they know the defaults of their settings.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(output, "table", "json"); err != nil {
				return err
			}
			cfg, err := config.Load(config.Options{Path: o.config, NoSecrets: true})
			if cfg == nil {
				return o.invalid(exitFound, err, app.Findings{})
			}
			list := cfg.Effective(o.schemas(cmd.Context(), cfg))
			if output == "json" {
				return o.print(list)
			}
			var rows []row
			for _, e := range list {
				source := strings.TrimSpace(e.Source + " " + e.Place)
				rows = append(rows, row{cells: []string{e.Key, oneLine(e.Value), source}})
			}
			writeList(o.process.Stdout, []string{"KEY", "VALUE", "SOURCE"}, rows, count(len(rows), "setting"))
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "`format`: table or json")
	return cmd
}

// oneLine returns a value for a table.
func oneLine(s string) string {
	const most = 60
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) > most {
		r = append(r[:most-1], '…')
	}
	return string(r)
}

func newConfigSchema(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration",
		Long: `Print the JSON Schema of the configuration file, with the settings of each
adapter in the file. Editors use it to complete and check the file while you
write; the first line of the file names it:

  # yaml-language-server: $schema=patchbay.schema.json

The command starts the adapters. If one does not start, a warning is printed,
and the schema does not describe its settings.`,
		Example: `  patchbay config schema > patchbay.schema.json`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(config.Options{Path: o.config, NoSecrets: true})
			if cfg == nil {
				return o.invalid(exitFound, err, app.Findings{})
			}
			text, err := config.Schema(o.schemas(cmd.Context(), cfg))
			if err != nil {
				return failure(err)
			}
			_, err = o.process.Stdout.Write(text)
			return err
		},
	}
}

// schemas returns the schemas of the adapters' settings, and warns of adapters that do not start.
func (o *options) schemas(ctx context.Context, cfg *config.Config) map[string][]byte {
	found, problems := app.Schemas(ctx, cfg, app.Options{Version: o.process.Version,
		Logger: slog.New(slog.DiscardHandler)})
	o.warn(problems)
	return found
}
