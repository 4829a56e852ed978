package cloud

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The cloud plays AWS, which has never heard of Hark: it would no longer run any other template if
// it named a function, a variable or a path of Hark's. Depguard denies imports of Hark; this test
// looks for its name in everything else, comments included.
func TestTheCloudDoesNotNameHark(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text := string(data)
		parsed, err := parser.ParseFile(token.NewFileSet(), path, data, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			text = strings.Replace(text, spec.Path.Value, strings.Repeat("-", len(spec.Path.Value)), 1)
		}
		for i, line := range strings.Split(text, "\n") {
			if strings.Contains(strings.ToLower(line), "hark") {
				t.Errorf("%s:%d names Hark: %s", path, i+1, strings.TrimSpace(line))
			}
		}
		return nil
	})
	if err != nil || files < 50 {
		t.Errorf("%d files were read (%v)", files, err)
	}
}
