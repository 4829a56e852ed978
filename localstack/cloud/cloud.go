package cloud

import (
	"io"
	"log/slog"
	"net/http"

	"hark/localstack/cloud/dynamodb"
	"hark/localstack/cloud/events"
	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/gateway"
	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/lambda"
	"hark/localstack/cloud/meter"
	"hark/localstack/cloud/sqs"
	"hark/localstack/cloud/template"
)

// Options say where a cloud is, how it runs, and what it needs to know beyond the template.
type Options struct {
	Region, Account string // as in the ARNs of the stack
	Endpoint        string // of the AWS port: http://host:port

	// Binary returns the path of a function's executable, built for this machine.
	Binary func(function template.Resource) (string, error)

	// Environment returns variables for a function's processes in addition to the template's, each
	// as "name=value". May be nil.
	Environment func(function template.Resource) []string

	// ControlPath is the path under which the AWS port serves the cloud's own meter and faults:
	// {ControlPath}/meter and {ControlPath}/faults. Neither is served if it is empty.
	ControlPath string

	// Alternative is the last sentence of the answer to a request for something that the cloud
	// does not have: where else to try. May be empty.
	Alternative string

	Speed   float64      // divides delays of queues and periods of schedules; 1 if 0
	Console io.Writer    // gets what the functions print; discarded if nil
	Verbose bool         // all of it, not only warnings, errors and crashes
	Log     *slog.Logger // what the services note; discarded if nil
}

// Cloud is a stack, created in the services.
type Cloud struct {
	opts  Options
	stack *template.Stack

	tables *dynamodb.Service
	queues *sqs.Service
	buses  *events.Service
	lambda *lambda.Service
	gates  *gateway.Service
	meter  *meter.Meter
	faults *faults.Set

	// Who may do what, and who calls.
	roles       map[string]*iam.Role // by ARN
	permissions permissions
	keys        keys
	signatures  signatures

	hosts     map[string]http.Handler // what the stack serves to the world, by host name
	forbidden map[string]bool         // ids of function URLs that lack a permission
	extra     map[string][]string     // Options.Environment of functions, by name
}

// Start lets the stack work by itself: it starts the pollers of queues, and schedules. Functions
// can be invoked before.
func (c *Cloud) Start() { c.lambda.Start() }

// Close ends every socket, process, poller and schedule, and waits for them. It may be called
// twice.
func (c *Cloud) Close() {
	c.gates.Close()
	c.lambda.Close()
}

// Host returns what the stack serves under a host name of AWS's: of a distribution, an API or a
// function URL. It returns nil if the stack has no such host.
func (c *Cloud) Host(name string) http.Handler { return c.hosts[name] }

// Put stores an item, given as DynamoDB's JSON, in a table. It is neither counted nor authorised.
func (c *Cloud) Put(table string, item []byte) error { return c.tables.Put(table, item) }

// Break sets faults, in addition to those that are set.
func (c *Cloud) Break(order faults.Order) { c.faults.Add(order) }
