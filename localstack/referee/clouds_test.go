package referee_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"hark/localstack/cloud/template"
	"hark/localstack/e2e/target"
)

const (
	region       = "us-east-1"
	account      = "000000000000"
	stackName    = "HarkReferee"
	templateFile = "testdata/referee.template.json"
	bucket       = "cdk-hnb659fds-assets-" + account + "-" + region // of cdk bootstrap
)

// cloud is one of the two clouds: its endpoint, its clients, and the stack's outputs.
type cloud struct {
	name     string
	endpoint string
	outputs  map[string]string

	tables      *dynamodb.Client
	queues      *sqs.Client
	functions   *lambda.Client
	connections *apigatewaymanagementapi.Client
}

// ours and theirs are the clouds that the tests compare; nil without HARK_EMULATOR_URL.
var ours, theirs *cloud

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	emulator := os.Getenv("HARK_EMULATOR_URL")
	if emulator == "" {
		return m.Run() // every test skips
	}
	ctx := context.Background()
	local, err := openOurs(ctx)
	if err == nil {
		defer func() {
			if err := local.Close(); err != nil {
				fmt.Fprintln(os.Stderr, "referee:", err)
				code = 1
			}
		}()
		theirs, err = openTheirs(ctx, emulator)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "referee:", err)
		return 1
	}
	defer func() {
		err := awsCLI(ctx, emulator, "cloudformation", "delete-stack", "--stack-name", stackName)
		if err != nil {
			fmt.Fprintln(os.Stderr, "referee:", err)
			code = 1
		}
	}()
	code = m.Run()
	if *update {
		if err := write(); err != nil {
			fmt.Fprintln(os.Stderr, "referee:", err)
			return 1
		}
	}
	return code
}

// openOurs starts the local cloud with the template.
func openOurs(ctx context.Context) (*target.Target, error) {
	file, err := filepath.Abs(templateFile)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	parsed, err := template.Parse(data)
	if err != nil {
		return nil, err
	}
	// The local cloud always calls its stack Hark.
	stack, err := parsed.Resolve(template.Env{StackName: "Hark", Region: region, Account: account})
	if err != nil {
		return nil, err
	}
	local, err := target.Open(ctx, target.Options{
		Log:   os.Stderr,
		Flags: []string{"-template", file, "-seed", filepath.Join(filepath.Dir(file), "seed.json")},
	})
	if err != nil {
		return nil, err
	}
	for id, url := range local.Queues {
		stack.Outputs[id] = url
	}
	ours = newCloud("ours", local.AWS, stack.Outputs)
	return local, nil
}

// openTheirs deploys the template to the emulator with the aws CLI.
func openTheirs(ctx context.Context, endpoint string) (*cloud, error) {
	dir, err := os.MkdirTemp("", "hark-referee-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	build := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc",
		"-o", filepath.Join(dir, "code", "bootstrap"), "./recorder")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build recorder: %w\n%s", err, out)
	}
	unpacked, packed := filepath.Join(dir, "template.json"), filepath.Join(dir, "packed.json")
	if err := writeUnpacked(unpacked, "code"); err != nil {
		return nil, err
	}
	err = awsCLI(ctx, endpoint, "cloudformation", "package", "--use-json",
		"--template-file", unpacked, "--s3-bucket", bucket, "--output-template-file", packed)
	if err != nil {
		return nil, err
	}
	err = awsCLI(ctx, endpoint, "cloudformation", "deploy",
		"--template-file", packed, "--stack-name", stackName,
		"--capabilities", "CAPABILITY_IAM", "--no-fail-on-empty-changeset")
	if err != nil {
		return nil, err
	}
	client := cloudformation.New(cloudformation.Options{
		Region: region, BaseEndpoint: &endpoint, Credentials: testCredentials(),
	})
	described, err := client.DescribeStacks(ctx,
		&cloudformation.DescribeStacksInput{StackName: aws.String(stackName)})
	if err != nil {
		return nil, err
	}
	outputs := make(map[string]string)
	for _, output := range described.Stacks[0].Outputs {
		outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
	}
	return newCloud("theirs", endpoint, outputs), nil
}

// writeUnpacked writes the template with the folder of the function's code in it, which the CLI
// replaces.
func writeUnpacked(name, code string) error {
	data, err := os.ReadFile(templateFile)
	if err != nil {
		return err
	}
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		return err
	}
	resources, _ := doc["Resources"].(map[string]any)
	recorder, _ := resources["Recorder"].(map[string]any)
	properties, ok := recorder["Properties"].(map[string]any)
	if !ok {
		return errors.New("the template has no Recorder")
	}
	properties["Code"] = code
	if data, err = json.Marshal(doc); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o600)
}

func awsCLI(ctx context.Context, endpoint string, args ...string) error {
	name := os.Getenv("HARK_AWS_CLI")
	if name == "" {
		name = "aws"
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+endpoint, "AWS_DEFAULT_REGION="+region,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("aws %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

func testCredentials() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider("test", "test", "")
}

func newCloud(name, endpoint string, outputs map[string]string) *cloud {
	callbacks := endpoint + "/_aws/execute-api/" + outputs["Api"] + "/v1"
	return &cloud{
		name: name, endpoint: endpoint, outputs: outputs,
		tables: dynamodb.New(dynamodb.Options{
			Region: region, BaseEndpoint: &endpoint, Credentials: testCredentials(),
		}),
		queues: sqs.New(sqs.Options{
			Region: region, BaseEndpoint: &endpoint, Credentials: testCredentials(),
		}),
		functions: lambda.New(lambda.Options{
			Region: region, BaseEndpoint: &endpoint, Credentials: testCredentials(),
			RetryMaxAttempts: 1,
		}),
		connections: apigatewaymanagementapi.New(apigatewaymanagementapi.Options{
			Region: region, BaseEndpoint: &callbacks, Credentials: testCredentials(),
			RetryMaxAttempts: 1,
		}),
	}
}

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// recorded waits for n events that contain the mark, and drops others. They come in any order.
func (c *cloud) recorded(t *testing.T, mark string, n int) []map[string]any {
	t.Helper()
	var events []map[string]any
	for deadline := time.Now().Add(patience); len(events) < n; {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d events with %q", len(events), n, mark)
		}
		events = append(events, c.take(t, mark, time.Second)...)
	}
	return events
}

// take receives what has been recorded, or waits for it for the given time. It returns the events
// that contain the mark.
func (c *cloud) take(t *testing.T, mark string, wait time.Duration) []map[string]any {
	t.Helper()
	queue := c.outputs["Recordings"]
	got, err := c.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &queue, MaxNumberOfMessages: 10, WaitTimeSeconds: int32(wait / time.Second),
	})
	if err != nil {
		t.Fatal(err)
	}
	var events []map[string]any
	for _, message := range got.Messages {
		_, err := c.queues.DeleteMessage(t.Context(),
			&sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: message.ReceiptHandle})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(*message.Body, mark) {
			continue
		}
		var event map[string]any
		if err := json.Unmarshal([]byte(*message.Body), &event); err != nil {
			t.Fatal(err)
		}
		events = append(events, event)
	}
	return events
}
