package e2e_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The conformance checklist (docs/protocol.md §9) has 140 lines, which testdata/checklist.json
// lists. Line N is TestLineN_…, whose comment begins with the words of the line, or a test of a
// Node suite whose name begins with "N:". To run one:
//
// 	go test ./localstack/e2e -run '^TestLine49_'
//
// scripts/test ends with the score.
//	go test ./localstack/e2e -run '^TestLine49_'
//
// scripts/test ends with the score.

// line is one of the checklist.
type line struct {
	Line    int
	Section string
	Title   string
	NotYet  string // the reason why it has no test yet
}

func checklist(t *testing.T) []line {
	t.Helper()
	text, err := os.ReadFile("testdata/checklist.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []line
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// Every line that can be met has its test, and the test's comment begins with the words of the
// checklist.
func TestEveryChecklistLineHasATest(t *testing.T) {
	byGo, byNode := goTests(t), nodeTests(t)
	for i, l := range checklist(t) {
		if l.Line != i+1 {
			t.Fatalf("line %d is at position %d", l.Line, i+1)
		}
		comment, found := byGo[l.Line]
		switch {
		case found && !strings.HasPrefix(comment, fmt.Sprintf("%d. %s", l.Line, l.Title)):
			t.Errorf("the comment of TestLine%d is\n\t%s\nand must begin with\n\t%d. %s", l.Line,
				comment, l.Line, l.Title)
		case found && l.NotYet != "":
			t.Errorf("line %d has a test: remove its notYet", l.Line)
		case !found && !byNode[l.Line] && l.NotYet == "":
			t.Errorf("line %d has no test: %s", l.Line, l.Title)
		}
	}
}

// goTests returns the comments of this folder's tests TestLineN_…, by line.
func goTests(t *testing.T) map[int]string {
	t.Helper()
	comments := map[int]string{}
	for _, name := range files(t, "*_test.go") {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			number := regexp.MustCompile(`^TestLine(\d+)_`).FindStringSubmatch(f.Name.Name)
			if number == nil {
				continue
			}
			n, err := strconv.Atoi(number[1])
			if err != nil {
				t.Fatal(err)
			}
			if _, twice := comments[n]; twice {
				t.Errorf("line %d has two tests", n)
			}
			comments[n] = strings.Join(strings.Fields(f.Doc.Text()), " ")
		}
	}
	return comments
}

// nodeTests returns the lines for which tests of the Node suites are named: test('138, 37: ….
func nodeTests(t *testing.T) map[int]bool {
	t.Helper()
	lines := map[int]bool{}
	for _, name := range files(t, "*.test.mjs") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		named := regexp.MustCompile(`(?m)^test\('((?:\d+, )*\d+): `)
		for _, match := range named.FindAllSubmatch(text, -1) {
			for number := range strings.SplitSeq(string(match[1]), ", ") {
				n, err := strconv.Atoi(number)
				if err != nil {
					t.Fatal(err)
				}
				lines[n] = true
			}
		}
	}
	return lines
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %d files (%v)", pattern, len(names), err)
	}
	return names
}
