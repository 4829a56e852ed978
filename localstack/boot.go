package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"hark/localstack/cloud/dynamodb"
	"hark/localstack/cloud/edge"
	"hark/localstack/cloud/events"
	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/gateway"
	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/lambda"
	"hark/localstack/cloud/meter"
	"hark/localstack/cloud/sqs"
	"hark/localstack/cloud/template"
)

// place is where the stack is created.
type place struct {
	region, account string
	endpoint        string // of the AWS port: http://host:port
}

// cloud is a stack, created in the engines.
type cloud struct {
	place
	stack  *template.Stack
	log    *slog.Logger
	meter  *meter.Meter
	tables *dynamodb.Service
	queues *sqs.Service
	buses  *events.Service
	lambda *lambda.Service
	gates  *gateway.Service

	faults *faults.Set

	keys        keys
	signatures  signatures
	permissions permissions
	roles       map[string]*iam.Role    // by ARN
	hosts       map[string]http.Handler // what the stack serves to the world, by host name
	forbidden   map[string]bool         // ids of function URLs that lack a permission
	loopback    map[string]bool         // names of functions that may post to this machine
}

// settings say how a cloud is to run.
type settings struct {
	console io.Writer // gets what functions print
	verbose bool      // all of it
	speed   float64   // of queues and schedules; 1 if 0
	log     *slog.Logger
}

// newCloud creates everything that the stack holds, in the order in which resources need each other. Binaries are the
// executables of the functions, by the folder that they are built from. Functions run only from start on, or when invoked.
func newCloud(at place, stack *template.Stack, binaries map[string]string, set settings) (*cloud, error) {
	if err := checkTypes(stack); err != nil {
		return nil, err
	}
	c := &cloud{
		place: at, stack: stack, log: set.log, meter: new(meter.Meter),
		faults:     new(faults.Set),
		signatures: signatures{region: at.region, signer: v4.NewSigner(), now: time.Now},
		hosts:      make(map[string]http.Handler), forbidden: make(map[string]bool), loopback: make(map[string]bool),
	}
	c.tables = dynamodb.New(dynamodb.Options{Region: at.region, Account: at.account, Meter: c.meter, Faults: c.faults})
	c.queues = sqs.New(sqs.Options{
		Region: at.region, Account: at.account, Endpoint: at.endpoint, Meter: c.meter, Log: set.log, Faults: c.faults,
		Speed: set.speed,
	})
	c.buses = events.New(events.Options{
		Region: at.region, Account: at.account, Queues: c.queues, Meter: c.meter, Log: set.log, Faults: c.faults,
	})
	c.lambda = lambda.New(lambda.Options{
		Region: at.region, Account: at.account, Meter: c.meter, Log: set.log, Stderr: set.console, Verbose: set.verbose,
		Queues: c.queues, Env: c.environment, Faults: c.faults, Speed: set.speed,
	})
	c.gates = gateway.New(gateway.Options{
		Region: at.region, Account: at.account, Meter: c.meter, Log: set.log, Invoke: c.invoke, Faults: c.faults,
		Verify: func(r *http.Request, bodySHA256 string) error {
			return c.signatures.check(r, "execute-api", bodySHA256)
		},
	})

	c.signatures.keys = &c.keys
	for _, create := range []func() error{
		c.createTables, c.createQueues, c.readRoles,
		func() error { return c.createFunctions(binaries) },
		c.createURLs, c.createMappings, c.createBuses, c.createRules, c.createAPIs, c.createDistributions,
	} {
		if err := create(); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

// start lets the stack work by itself: pollers of queues and schedules.
func (c *cloud) start() { c.lambda.Start() }

// close ends every socket, process, poller and schedule, and waits for them.
func (c *cloud) close() {
	c.gates.Close()
	c.lambda.Close()
}

// checkTypes refuses what the local cloud would have to leave out of the stack.
func checkTypes(stack *template.Stack) error {
	for _, res := range stack.Resources {
		switch res.Type {
		case "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy",
			"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy",
			"AWS::Lambda::Function", "AWS::Lambda::Permission", "AWS::Lambda::Url", "AWS::Lambda::EventSourceMapping",
			"AWS::Events::EventBus", "AWS::Events::Rule", "AWS::Scheduler::Schedule",
			"AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Integration",
			"AWS::CloudFront::Distribution", "AWS::CloudFront::Function":
		case "AWS::CDK::Metadata", // says only which constructs were used
			"AWS::Logs::LogGroup", // what functions print goes to the terminal
			"AWS::CloudFront::CachePolicy", "AWS::CloudFront::OriginRequestPolicy", "AWS::CloudFront::ResponseHeadersPolicy":
		default:
			return fmt.Errorf("resource %s: the local cloud has no %s", res.LogicalID, res.Type)
		}
	}
	return nil
}

func (c *cloud) createTables() error {
	for _, cfnType := range []string{"AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"} {
		for _, res := range c.stack.OfType(cfnType) {
			var spec dynamodb.TableSpec
			if err := res.Decode(&spec); err != nil {
				return err
			}
			spec.TableName = res.ID
			if err := c.tables.Create(spec); err != nil {
				return fmt.Errorf("resource %s: %w", res.LogicalID, err)
			}
		}
	}
	return nil
}

func (c *cloud) createQueues() error {
	for _, res := range c.stack.OfType("AWS::SQS::Queue") {
		var spec sqs.QueueSpec
		if err := res.Decode(&spec); err != nil {
			return err
		}
		spec.QueueName = res.Attributes["QueueName"]
		if err := c.queues.Create(spec); err != nil {
			return fmt.Errorf("resource %s: %w", res.LogicalID, err)
		}
	}
	return nil
}

func (c *cloud) readRoles() (err error) {
	if c.roles, err = rolesOf(c.stack, c.account); err != nil {
		return err
	}
	c.permissions, err = permissionsOf(c.stack)
	return err
}

// createDistributions makes the stack's CloudFront. Its origins are found among the stack's own hosts.
func (c *cloud) createDistributions() error {
	codes := make(map[string]string) // of CloudFront functions, by ARN
	for _, res := range c.stack.OfType("AWS::CloudFront::Function") {
		var function edge.FunctionSpec
		if err := res.Decode(&function); err != nil {
			return err
		}
		codes[res.ID] = function.FunctionCode
	}
	for _, res := range c.stack.OfType("AWS::CloudFront::Distribution") {
		arn, err := associated(res)
		if err != nil {
			return err
		}
		d, err := edge.New(edge.Options{
			ID: res.ID, DomainName: res.Attributes["DomainName"], Distribution: res.Properties, FunctionCode: codes[arn],
			Origin: c.origin, Meter: c.meter, Log: c.log,
		})
		if err != nil {
			return fmt.Errorf("resource %s: %w", res.LogicalID, err)
		}
		c.hosts[res.Attributes["DomainName"]] = d
	}
	return nil
}

// associated is the ARN of the function that a distribution runs; empty if it runs none. All its behaviours that run one
// run the same: edge sees to that.
func associated(distribution template.Resource) (arn string, err error) {
	type behavior struct {
		FunctionAssociations []struct{ FunctionARN string }
	}
	var properties struct {
		DistributionConfig struct {
			DefaultCacheBehavior behavior
			CacheBehaviors       []behavior
		}
	}
	if err := distribution.Peek(&properties); err != nil {
		return "", err
	}
	config := properties.DistributionConfig
	for _, b := range append(config.CacheBehaviors, config.DefaultCacheBehavior) {
		for _, association := range b.FunctionAssociations {
			arn = association.FunctionARN
		}
	}
	return arn, nil
}

// origin is what the stack serves under a host name; nil if it is not the stack's.
func (c *cloud) origin(host string) http.Handler { return c.hosts[host] }

// put puts the seed's items into the table that the stack's AppsTable output names.
func (c *cloud) put(s seed) error {
	table := c.stack.Outputs["AppsTable"]
	if table == "" {
		return fmt.Errorf("seed: the stack has no output AppsTable")
	}
	for i, item := range s {
		if err := c.tables.Put(table, item); err != nil {
			return fmt.Errorf("seed: item %d: %w", i+1, err)
		}
	}
	return nil
}

// front is what the AWS port serves.
func (c *cloud) front() http.Handler {
	return &front{
		keys: &c.keys, dynamodb: c.tables, sqs: c.queues, events: c.buses, lambda: c.lambda,
		connections: http.HandlerFunc(c.gates.ServeConnections), socket: c.gates.Socket, url: c.url, meter: c.meter, faults: c.faults,
		log: c.log,
	}
}

// public is what the public port serves.
func (c *cloud) public() http.Handler {
	return &public{client: c.hosts[c.stack.Outputs["ClientHost"]], publish: c.hosts[c.stack.Outputs["PublishHost"]]}
}
