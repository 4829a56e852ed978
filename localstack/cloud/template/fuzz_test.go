package template_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/localstack/cloud/template"
)

// FuzzResolve holds that no template makes Parse or Resolve panic or hang, and that what resolves
// once does so again.
func FuzzResolve(f *testing.F) {
	data, err := os.ReadFile("testdata/sample.template.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	for _, value := range []string{
		`{"Fn::Select": [0, {"Fn::Split": ["/", {"Fn::Sub": "${Jobs}/${Own}"}]}]}`,
		`{"Fn::If": ["Yes", {"Ref": "AWS::NoValue"}, {"Fn::FindInMap": ["Regions", "us-east-1", ` +
			`"rps"]}]}`,
		`{"Fn::Join": [",", {"Ref": "Names"}]}`,
	} {
		f.Add([]byte(document(value)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tmpl, err := template.Parse(data)
		if err != nil {
			return
		}
		first, err := tmpl.Resolve(env())
		if err != nil {
			return
		}
		second, err := tmpl.Resolve(env())
		if err != nil {
			t.Fatalf("resolved once, but not twice: %v", err)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Fatalf("two runs differ:\n%s", diff)
		}
	})
}
