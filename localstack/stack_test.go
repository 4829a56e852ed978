package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hark/localstack/cloud"
	"hark/localstack/cloud/template"
)

// golden reads a golden template and checks that each of its functions has a main.go. The options
// make this test program the executable of every function.
func golden(t *testing.T, file string) (*template.Stack, cloud.Options) {
	t.Helper()
	stack, err := readStack(file)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folders, err := sources(stack)
	if err != nil {
		t.Fatal(err)
	}
	binaries := make(map[string]string, len(folders))
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join("..", folder, "main.go")); err != nil {
			t.Error(err)
		}
		binaries[folder] = self
	}
	return stack, withHark(cloud.Options{Endpoint: "http://127.0.0.1:4566"}, binaries)
}

// The local cloud must not ignore a property that matters on AWS. This test adds one to each
// resource of the stack; package cloud tests properties within properties.
func TestPropertiesThatTheLocalCloudDoesNotKnowAreNamed(t *testing.T) {
	stack, o := golden(t, "../infra/testdata/webhooks.template.json")
	for i, res := range stack.Resources {
		if res.Type == "AWS::Logs::LogGroup" { // without effect as a whole
			continue
		}
		t.Run(res.LogicalID, func(t *testing.T) {
			changed := *stack
			changed.Resources = slices.Clone(stack.Resources)
			changed.Resources[i].Properties = slices.Concat(
				[]byte(`{"Mystery":1,`), res.Properties[1:])
			c, err := cloud.New(&changed, o)
			if err == nil {
				c.Close()
			}
			if err == nil || !strings.Contains(err.Error(), `"Mystery"`) ||
				!strings.Contains(err.Error(), res.LogicalID) {
				t.Errorf("error %v, want one that names %s and Mystery", err, res.LogicalID)
			}
		})
	}
}

// Creating a stack includes the check that each route, queue and schedule may invoke its function.
func TestEveryGoldenTemplateCanBeCreated(t *testing.T) {
	files, err := filepath.Glob("../infra/testdata/*.template.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d golden templates (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			stack, o := golden(t, file)
			c, err := cloud.New(stack, o)
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
		})
	}
}

func TestGoldenTemplatesAreResolved(t *testing.T) {
	files, err := filepath.Glob("../infra/testdata/*.template.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d golden templates (%v)", len(files), err)
	}
	outputs := []string{
		appsTableOutput, stateTableOutput, clientHostOutput, publishHostOutput, "Env",
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			stack, err := readStack(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range outputs {
				if stack.Outputs[name] == "" {
					t.Errorf("output %s is empty", name)
				}
			}
			for _, res := range stack.Resources {
				for _, intrinsic := range []string{`"Ref":`, `"Fn::`} {
					if strings.Contains(string(res.Properties), intrinsic) {
						t.Errorf("%s holds %s still", res.LogicalID, intrinsic)
					}
				}
			}
		})
	}
}

// functionFrom is a function that is built from the folder.
func functionFrom(folder string) template.Resource {
	return template.Resource{
		LogicalID: "F", Type: "AWS::Lambda::Function", Metadata: map[string]any{sourceKey: folder},
	}
}

func TestSourcesAreTheFoldersOfAllFunctionsOnce(t *testing.T) {
	stack := &template.Stack{Resources: []template.Resource{
		functionFrom("functions/b"), functionFrom("functions/a"), functionFrom("functions/b"),
	}}
	got, err := sources(stack)
	if err != nil || !slices.Equal(got, []string{"functions/a", "functions/b"}) {
		t.Errorf("sources %v (%v)", got, err)
	}
	stack.Resources[0].Metadata = nil
	_, err = sources(stack)
	const want = "resource F: its Metadata does not say hark:source"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v", err)
	}
}

// The command recognises the function by its folder, because its name depends on the stack.
func TestOnlyTheFunctionThatPostsWebhooksMayPostToThisMachine(t *testing.T) {
	for folder, want := range map[string]string{
		webhookSource: "HARK_WEBHOOK_LOOPBACK=true", "functions/work": "",
	} {
		if got := strings.Join(environment(functionFrom(folder)), " "); got != want {
			t.Errorf("%s has %q, want %q", folder, got, want)
		}
	}
}

func TestTheAWSPortNamesTheAlternative(t *testing.T) {
	stack, o := golden(t, "../infra/testdata/webhooks.template.json")
	c, err := cloud.New(stack, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/favicon.ico", nil))
	if w.Code != http.StatusNotImplemented ||
		!strings.Contains(w.Body.String(), "scripts/localstack") {
		t.Errorf("it answers %d %s", w.Code, w.Body)
	}
}
