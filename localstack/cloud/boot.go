package cloud

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"hark/localstack/cloud/dynamodb"
	"hark/localstack/cloud/events"
	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/gateway"
	"hark/localstack/cloud/lambda"
	"hark/localstack/cloud/meter"
	"hark/localstack/cloud/sqs"
	"hark/localstack/cloud/template"
)

// New creates all resources of the stack. Its error names the resource that cannot be created, and
// the property that is not supported. Queues and schedules invoke functions only after Start.
func New(stack *template.Stack, o Options) (*Cloud, error) {
	if err := checkTypes(stack); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Cloud{
		opts: o, stack: stack, meter: new(meter.Meter), faults: new(faults.Set),
		signatures: signatures{region: o.Region, signer: v4.NewSigner(), now: time.Now},
		hosts:      make(map[string]http.Handler), forbidden: make(map[string]bool),
		extraEnv: make(map[string][]string),
	}
	c.signatures.keys = &c.keys
	c.newServices()
	for _, create := range []func() error{ // each comes after those that it refers to
		c.createTables, c.createQueues, c.readPolicies, c.createFunctions, c.createURLs,
		c.createMappings, c.createBuses, c.createRules, c.createAPIs, c.createDistributions,
	} {
		if err := create(); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// newServices makes the services, without any resources.
func (c *Cloud) newServices() {
	o := c.opts
	c.tables = dynamodb.New(dynamodb.Options{
		Region: o.Region, Account: o.Account, Meter: c.meter, Faults: c.faults,
	})
	c.queues = sqs.New(sqs.Options{
		Region: o.Region, Account: o.Account, Endpoint: o.Endpoint, Meter: c.meter, Log: o.Log,
		Faults: c.faults, Speed: o.Speed,
	})
	c.buses = events.New(events.Options{
		Region: o.Region, Account: o.Account, Queues: c.queues, Meter: c.meter, Log: o.Log,
		Faults: c.faults,
	})
	c.lambda = lambda.New(lambda.Options{
		Region: o.Region, Account: o.Account, Meter: c.meter, Log: o.Log, Stderr: o.Console,
		Verbose: o.Verbose, Queues: c.queues, Env: c.environment, Faults: c.faults, Speed: o.Speed,
	})
	c.gateway = gateway.New(gateway.Options{
		Region: o.Region, Account: o.Account, Meter: c.meter, Log: o.Log, Invoke: c.invoke,
		Faults: c.faults,
		Verify: func(r *http.Request, bodySHA256 string) error {
			return c.signatures.check(r, "execute-api", bodySHA256)
		},
	})
}

// readPolicies reads what the stack's roles may do, and which callers may invoke its functions.
func (c *Cloud) readPolicies() (err error) {
	if c.roles, err = rolesOf(c.stack, c.opts.Account); err != nil {
		return err
	}
	c.permissions, err = permissionsOf(c.stack)
	return err
}

// checkTypes returns an error for a resource of a type that the cloud does not have. Without it
// such a resource would be missing and the stack would start all the same.
func checkTypes(stack *template.Stack) error {
	for _, res := range stack.Resources {
		switch res.Type {
		case "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable",
			"AWS::SQS::Queue", "AWS::SQS::QueuePolicy",
			"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy",
			"AWS::Lambda::Function", "AWS::Lambda::Permission", "AWS::Lambda::Url",
			"AWS::Lambda::EventSourceMapping",
			"AWS::Events::EventBus", "AWS::Events::Rule", "AWS::Scheduler::Schedule",
			"AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage",
			"AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Integration",
			"AWS::CloudFront::Distribution", "AWS::CloudFront::Function":
		case "AWS::CDK::Metadata", // lists the constructs in use, for statistics
			"AWS::Logs::LogGroup", // the output of functions goes to Options.Console
			"AWS::CloudFront::CachePolicy", "AWS::CloudFront::OriginRequestPolicy",
			"AWS::CloudFront::ResponseHeadersPolicy":
		default:
			return fmt.Errorf("resource %s: the local cloud has no %s", res.LogicalID, res.Type)
		}
	}
	return nil
}
