package plugin

import (
	"context"
	"log/slog"
)

// redactingHandler removes secrets from log records.
type redactingHandler struct {
	slog.Handler
	redact func(string) string
}

// Handle implements slog.Handler.
func (h redactingHandler) Handle(ctx context.Context, rec slog.Record) error {
	out := slog.NewRecord(rec.Time, rec.Level, h.redact(rec.Message), rec.PC)
	rec.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(redactAttr(a, h.redact))
		return true
	})
	return h.Handler.Handle(ctx, out)
}

// WithAttrs implements slog.Handler.
func (h redactingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return redactingHandler{h.Handler.WithAttrs(redactAttrs(attrs, h.redact)), h.redact}
}

// WithGroup implements slog.Handler.
func (h redactingHandler) WithGroup(name string) slog.Handler {
	return redactingHandler{h.Handler.WithGroup(name), h.redact}
}

func redactAttrs(attrs []slog.Attr, redact func(string) string) []slog.Attr {
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = redactAttr(a, redact)
	}
	return out
}

// redactAttr removes secrets from an attribute. A value keeps its type if it contains none.
func redactAttr(a slog.Attr, redact func(string) string) slog.Attr {
	a.Key, a.Value = redact(a.Key), a.Value.Resolve()
	if a.Value.Kind() == slog.KindGroup {
		a.Value = slog.GroupValue(redactAttrs(a.Value.Group(), redact)...)
		return a
	}
	text := a.Value.String()
	if clean := redact(text); clean != text {
		a.Value = slog.StringValue(clean)
	}
	return a
}
