package settings

import (
	"fmt"
	"strings"
)

// Markdown returns the table of all settings that is in docs/settings.md.
func Markdown() string {
	var table strings.Builder
	table.WriteString("| Setting | Default | Allowed | What it does |\n|---|---|---|---|\n")
	s := Default()
	for _, e := range catalogue(&s) {
		text := "none"
		if t := e.text(); t != "" {
			text = "`" + t + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", e.name, text, e.allowed(), e.about)
	}
	return table.String()
}
