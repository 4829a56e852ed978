package lambda_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/lambda"
)

// client returns AWS's own client of the cloud.
func (c *cloud) client(wrap func(http.Handler) http.Handler) *sdk.Client {
	server := httptest.NewServer(wrap(c))
	c.t.Cleanup(server.Close)
	return sdk.New(sdk.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(server.URL),
		HTTPClient:   server.Client(),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
		Retryer: aws.NopRetryer{},
	})
}

func asAdmin(h http.Handler) http.Handler { return h }

// asStranger makes all calls in a role that may do nothing.
func asStranger(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(iam.WithRole(r.Context(), &iam.Role{Name: "stranger"})))
	})
}

func TestTheSDKInvokes(t *testing.T) {
	c := newCloud(t)
	c.create("echo")
	c.create("print")
	c.create("exit")
	client := c.client(asAdmin)

	out, err := client.Invoke(
		t.Context(), &sdk.InvokeInput{FunctionName: aws.String("echo"), Payload: []byte(`{"a":1}`)},
	)
	if err != nil || string(out.Payload) != `{"a":1}` || out.StatusCode != http.StatusOK ||
		*out.ExecutedVersion != "$LATEST" || out.FunctionError != nil {
		t.Fatalf("%v, %+v", err, out)
	}
	arn := aws.String("arn:aws:lambda:us-east-1:000000000000:function:echo")
	if out, err = client.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: arn}); err != nil ||
		string(out.Payload) != "{}" {
		t.Errorf("by ARN, without a payload: %v, %+v", err, out)
	}
	out, err = client.Invoke(
		t.Context(),
		&sdk.InvokeInput{FunctionName: aws.String("print"), LogType: types.LogTypeTail},
	)
	if err != nil {
		t.Fatal(err)
	}
	log, err := base64.StdEncoding.DecodeString(*out.LogResult)
	if err != nil {
		t.Fatal(err)
	}
	contains(
		t, "log", string(log), "plain line\n", `"msg":"nothing to WARN about"`, `"msg":"alarm"`,
	)

	out, err = client.Invoke(
		t.Context(), &sdk.InvokeInput{FunctionName: aws.String("exit"), LogType: types.LogTypeTail},
	)
	if err != nil || *out.FunctionError != "Unhandled" || out.StatusCode != http.StatusOK {
		t.Fatalf("%v, %+v", err, out)
	}
	contains(t, "payload", string(out.Payload), `"Runtime.ExitError"`)
	if log, _ := base64.StdEncoding.DecodeString(*out.LogResult); string(log) != "about to exit\n" {
		t.Errorf("log of a crash: %q", log)
	}
}

func TestTheAPIKnowsInvocationTypes(t *testing.T) {
	c, g := newCloud(t), newGate(t)
	c.createCalling(g, "report")
	client := c.client(asAdmin)
	out, err := client.Invoke(
		t.Context(),
		&sdk.InvokeInput{
			FunctionName: aws.String("report"), InvocationType: types.InvocationTypeDryRun,
		},
	)
	if err != nil || out.StatusCode != http.StatusNoContent {
		t.Errorf("a dry run: %v, %+v", err, out)
	}
	out, err = client.Invoke(t.Context(), &sdk.InvokeInput{
		FunctionName:   aws.String("report"),
		InvocationType: types.InvocationTypeEvent,
		Payload:        []byte(`"event"`),
	})
	if err != nil || out.StatusCode != http.StatusAccepted {
		t.Errorf("an event: %v, %+v", err, out)
	}
	reported := g.call()
	reported.answer <- ""
	if reported.body != `"event"` {
		t.Errorf("got %s", reported.body)
	}
}

// refusedInvocations are requests that the API refuses.
var refusedInvocations = []struct {
	name    string
	wrap    func(http.Handler) http.Handler
	in      sdk.InvokeInput
	code    string
	message string
}{
	{
		"a function that does not exist", asAdmin,
		sdk.InvokeInput{FunctionName: aws.String("nobody")},
		"ResourceNotFoundException",
		"Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody",
	},
	{
		"an alias", asAdmin,
		sdk.InvokeInput{FunctionName: aws.String("echo"), Qualifier: aws.String("live")},
		"ResourceNotFoundException",
		"Function not found: arn:aws:lambda:us-east-1:000000000000:function:echo:live",
	},
	{
		"a throttled function", asAdmin,
		sdk.InvokeInput{FunctionName: aws.String("call")},
		"TooManyRequestsException", "Rate Exceeded.",
	},
	{
		"what is not JSON", asAdmin,
		sdk.InvokeInput{FunctionName: aws.String("echo"), Payload: []byte("{")},
		"InvalidRequestContentException", "Could not parse request body into json",
	},
	{
		"more than 6 MB", asAdmin,
		sdk.InvokeInput{FunctionName: aws.String("echo"), Payload: make([]byte, 6<<20+1)},
		"RequestTooLargeException",
		"Request must be smaller than 6291456 bytes for the InvokeFunction operation",
	},
	{
		"an event of more than 1 MB", asAdmin,
		sdk.InvokeInput{
			FunctionName: aws.String("echo"), InvocationType: types.InvocationTypeEvent,
			Payload: []byte(`"` + strings.Repeat("x", 1<<20) + `"`),
		},
		"RequestTooLargeException",
		"1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
	},
	{
		"a role without permission", asStranger,
		sdk.InvokeInput{FunctionName: aws.String("echo")},
		"AccessDeniedException",
		"is not authorized to perform: lambda:InvokeFunction on resource: " +
			"arn:aws:lambda:us-east-1:000000000000:function:echo",
	},
}

func TestTheAPIRefuses(t *testing.T) {
	c := newCloud(t)
	none := 0
	c.create("echo")
	c.create("call", func(f *lambda.FunctionSpec) { f.ReservedConcurrentExecutions = &none })
	for _, tc := range refusedInvocations {
		t.Run(tc.name, func(t *testing.T) {
			_, err := c.client(tc.wrap).Invoke(t.Context(), &tc.in)
			var e smithy.APIError
			if !errors.As(err, &e) || e.ErrorCode() != tc.code ||
				!strings.Contains(e.ErrorMessage(), tc.message) {
				t.Errorf("got %v\nwant %s: %s", err, tc.code, tc.message)
			}
		})
	}
}

func TestFunctionsAreDescribed(t *testing.T) {
	c := newCloud(t)
	reserved := 5
	c.create("echo", func(f *lambda.FunctionSpec) {
		f.Role, f.ReservedConcurrentExecutions = &iam.Role{Name: "role"}, &reserved
		f.Environment.Variables = map[string]string{"TABLE": "state"}
	})
	c.create("env")
	client := c.client(asAdmin)
	list, err := client.ListFunctions(t.Context(), &sdk.ListFunctionsInput{})
	if err != nil || len(list.Functions) != 2 || *list.Functions[1].FunctionName != "env" {
		t.Fatalf("%v, %+v", err, list)
	}
	got, err := client.GetFunction(
		t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("echo")},
	)
	if err != nil {
		t.Fatal(err)
	}
	f := got.Configuration
	if *f.FunctionArn != "arn:aws:lambda:us-east-1:000000000000:function:echo" ||
		*f.Timeout != 30 || *f.MemorySize != 128 ||
		*f.Role != "arn:aws:iam::000000000000:role/role" ||
		f.Environment.Variables["TABLE"] != "state" ||
		*got.Concurrency.ReservedConcurrentExecutions != 5 {
		t.Errorf("got %+v", f)
	}
	configuration, err := client.GetFunctionConfiguration(
		t.Context(), &sdk.GetFunctionConfigurationInput{FunctionName: aws.String("env")},
	)
	if err != nil || *configuration.Handler != "env" {
		t.Errorf("%v, %+v", err, configuration)
	}
	var e smithy.APIError
	_, err = client.GetPolicy(t.Context(), &sdk.GetPolicyInput{FunctionName: aws.String("env")})
	if !errors.As(err, &e) || e.ErrorCode() != "UnknownOperationException" {
		t.Errorf("got %v", err)
	}
}
