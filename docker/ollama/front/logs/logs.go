// Package logs writes JSON lines on standard output, one object a line: ts (UTC), level, event and fields.
package logs

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"
)

// Configure makes slog's default logger write those lines.
func Configure(out io.Writer) {
	rename := func(_ []string, attr slog.Attr) slog.Attr {
		switch attr.Key {
		case slog.TimeKey:
			return slog.String("ts", attr.Value.Time().UTC().Format("2006-01-02T15:04:05.000Z07:00"))
		case slog.MessageKey:
			attr.Key = "event"
		case slog.LevelKey:
			attr.Value = slog.StringValue(strings.ToLower(attr.Value.String()))
		}
		return attr
	}
	slog.SetDefault(slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{ReplaceAttr: rename})))
}

// Stdout is Configure for the program itself.
func Stdout() { Configure(os.Stdout) }

// Millis is a duration as the log shows it: milliseconds with one decimal.
func Millis(d time.Duration) float64 { return float64(d.Round(100*time.Microsecond)) / 1e6 }

// lineLimit bounds what one line of a child may take; the rest of a longer one is dropped.
const lineLimit = 4096

// private marks the lines in which Ollama shows what a model wrote: it does so where it cannot read it.
var private = []string{"harmony parser", "tool call parsing", " content=", "raw="}

// Follow writes each line of a child's output as a line of our own, until the output ends. Ollama's
// access log is left out, as the requests are logged here, once, and so is every text of a model.
func Follow(name string, from io.Reader) {
	reader := bufio.NewReaderSize(from, lineLimit)
	for {
		line, isPrefix, err := reader.ReadLine()
		if err != nil {
			return
		}
		text := string(line)
		for isPrefix && err == nil {
			_, isPrefix, err = reader.ReadLine()
		}
		if text != "" && !strings.HasPrefix(text, "[GIN]") && !isPrivate(text) {
			slog.Log(context.Background(), level(text), name, "line", text)
		}
	}
}

func isPrivate(line string) bool {
	return slices.ContainsFunc(private, func(mark string) bool { return strings.Contains(line, mark) })
}

// level is the one that Ollama's own logger wrote into the line.
func level(line string) slog.Level {
	switch {
	case strings.Contains(line, "level=ERROR"), strings.HasPrefix(line, "panic:"):
		return slog.LevelError
	case strings.Contains(line, "level=WARN"):
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}
