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

// The cloud must not depend on Hark. Code that names one of Hark's functions, variables or paths
// works for one template only and has to change with it. The lint rule depguard denies the imports;
// this test searches the rest of each file, comments included, for the name.
func TestTheCloudDoesNotNameHark(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
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
			text = strings.Replace(text, spec.Path.Value, "", 1)
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
