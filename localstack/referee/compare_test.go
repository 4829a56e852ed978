package referee_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	awshttp "github.com/aws/smithy-go/transport/http"
)

// facts are the results of one cloud, by name.
type facts map[string]string

// difference is a fact on which the clouds differ, and which of them is right.
type difference struct {
	Test     string // of the test
	Fact     string // its name
	Ours     string
	Theirs   string
	Wrong    string // theirs, or neither if AWS documents nothing
	Document string // the document that decides
}

const listFile = "testdata/differences.json"

var (
	update = flag.Bool("update", false,
		"write the differences that are found; fill in by hand which cloud is wrong")
	found []difference
)

// write writes the found differences, one on a line. Those that were listed keep their decisions.
func write() error {
	slices.SortFunc(found, func(a, b difference) int {
		return cmp.Or(cmp.Compare(a.Test, b.Test), cmp.Compare(a.Fact, b.Fact))
	})
	var text bytes.Buffer
	for i, d := range found {
		var line bytes.Buffer
		enc := json.NewEncoder(&line)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(d); err != nil {
			return err
		}
		separator := ",\n  "
		if i == 0 {
			separator = "[\n  "
		}
		text.WriteString(separator)
		text.Write(bytes.TrimSpace(line.Bytes()))
	}
	text.WriteString("\n]\n")
	return os.WriteFile(listFile, text.Bytes(), 0o644)
}

// compare observes both clouds concurrently. They must agree on every fact except the listed ones.
func compare(t *testing.T, observe func(t *testing.T, c *cloud) facts) {
	t.Helper()
	if ours == nil || theirs == nil {
		t.Skip("HARK_EMULATOR_URL names no emulator to compare with: scripts/localstack")
	}
	got := make(map[*cloud]*facts)
	for _, c := range []*cloud{ours, theirs} {
		got[c] = new(facts)
	}
	t.Run("observed", func(t *testing.T) {
		for c, to := range got {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				*to = observe(t, c)
			})
		}
	})
	if t.Failed() {
		return
	}
	a, b := *got[ours], *got[theirs]
	names := slices.Sorted(maps.Keys(a))
	for name := range maps.Keys(b) {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	known := listed(t)
	t.Logf("%d facts, %d listed as different", len(names), len(known))
	for _, name := range names {
		d, ok := known[name]
		if *update && a[name] != b[name] {
			found = append(found, difference{t.Name(), name, a[name], b[name], d.Wrong, d.Document})
			continue
		}
		switch {
		case a[name] == b[name] && ok:
			t.Errorf("%s: listed as different, and both say %q: remove it from the list", name,
				a[name])
		case a[name] == b[name]:
		case !ok || d.Wrong == "" || d.Document == "":
			t.Errorf("%s\n  ours:   %q\n  theirs: %q", name, a[name], b[name])
		case d.Ours != a[name] || d.Theirs != b[name]:
			t.Errorf("%s: not as listed\n  ours:   %q, listed %q\n  theirs: %q, listed %q", name,
				a[name], d.Ours, b[name], d.Theirs)
		default:
			t.Logf("%s: differs as listed, %s wrong: %s", name, d.Wrong, d.Document)
		}
		delete(known, name)
	}
	for name := range known {
		if *update {
			break
		}
		t.Errorf("%s: listed as different, and never observed", name)
	}
}

// listed returns the known differences of a test, by fact.
func listed(t *testing.T) map[string]difference {
	t.Helper()
	data, err := os.ReadFile(listFile)
	if err != nil {
		t.Fatal(err)
	}
	var all []difference
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	known := make(map[string]difference)
	for _, d := range all {
		if d.Test == t.Name() {
			known[d.Fact] = d
		}
	}
	return known
}

// add adds the leaves of a value as facts: path and JSON. For leaves that differ on every run it
// adds only the type.
func (f facts) add(path string, v any, volatile ...string) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			f[path] = "{}"
		}
		for key, value := range v {
			f.add(path+"."+key, value, volatile...)
		}
	case []any:
		if len(v) == 0 {
			f[path] = "[]"
		}
		for i, value := range v {
			f.add(path+"."+strconv.Itoa(i), value, volatile...)
		}
	default:
		leaf := path[strings.LastIndexByte(path, '.')+1:]
		isLeaf := func(name string) bool { return strings.EqualFold(name, leaf) }
		if slices.ContainsFunc(volatile, isLeaf) {
			f[path] = fmt.Sprintf("some %T", v)
			return
		}
		text, err := json.Marshal(v)
		if err != nil {
			text = []byte(err.Error())
		}
		f[path] = string(text)
	}
}

// call is the outcome of an SDK call: ok, or the status and the code of the error.
func call(err error) string {
	if err == nil {
		return "ok"
	}
	outcome := "no answer"
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		outcome = strconv.Itoa(answer.HTTPStatusCode())
	}
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		outcome += " " + refused.ErrorCode()
	}
	return outcome
}

// canonical returns JSON without its spaces, and any other text unchanged.
func canonical(text string) string {
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(text)); err != nil {
		return text
	}
	return compact.String()
}

func status(answer *http.Response, err error) string {
	switch {
	case answer != nil:
		return strconv.Itoa(answer.StatusCode)
	case err != nil:
		return err.Error()
	default:
		return "no answer"
	}
}
