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

// Options are the settings of a cloud: its Region and addresses, how it runs, and what the template
// does not say.
type Options struct {
	Region, Account string // those in the ARNs of the stack
	Endpoint        string // URL of the AWS port: http://host:port

	// Binary returns the path of a function's executable, built for this machine.
	Binary func(function template.Resource) (string, error)

	// Environment returns variables for a function's processes in addition to those of the
	// template, each as "name=value". It may be nil.
	Environment func(function template.Resource) []string

	// ControlPath is the path under which the AWS port serves the cloud's own meter and faults:
	// {ControlPath}/meter and {ControlPath}/faults. Neither is served if it is empty.
	ControlPath string

	// Alternative is the last sentence of the answer to a request for something that the cloud does
	// not have. It names an alternative, and may be empty.
	Alternative string

	// Speed divides the delays and visibility timeouts of queues, and the periods of schedules. 0
	// means 1.
	Speed float64

	// Console receives the output of the functions: all of it if Verbose, else warnings, errors and
	// the last lines before a crash. If it is nil the output is discarded.
	Console io.Writer
	Verbose bool

	// Log receives the log messages of the services. If it is nil they are discarded.
	Log *slog.Logger
}

// Cloud is a running stack: the services and the stack's resources in them.
type Cloud struct {
	opts  Options
	stack *template.Stack

	tables  *dynamodb.Service
	queues  *sqs.Service
	buses   *events.Service
	lambda  *lambda.Service
	gateway *gateway.Service
	meter   *meter.Meter
	faults  *faults.Set

	// Authentication and authorisation.
	roles       map[string]*iam.Role // by ARN
	permissions permissions
	keys        keys
	signatures  signatures

	hosts     map[string]http.Handler // the stack's public hosts, by host name
	forbidden map[string]bool         // IDs of function URLs that lack a permission
	extraEnv  map[string][]string     // results of Options.Environment, by name of the function
}

// Start starts the schedules and the pollers that feed functions from queues. Functions can be
// invoked before.
func (c *Cloud) Start() { c.lambda.Start() }

// Close ends every WebSocket, process, poller and schedule, and waits for them. It may be called
// more than once.
func (c *Cloud) Close() {
	c.gateway.Close()
	c.lambda.Close()
}

// Host returns the handler of a host name that AWS gives to a distribution, an API or a function
// URL of the stack. It returns nil if the stack has no such host.
func (c *Cloud) Host(name string) http.Handler { return c.hosts[name] }

// Put stores an item, given as DynamoDB's JSON, in a table. The meter does not count it, and no
// role has to allow it.
func (c *Cloud) Put(table string, item []byte) error { return c.tables.Put(table, item) }

// AddFaults sets faults in addition to those that are set already.
func (c *Cloud) AddFaults(order faults.Order) { c.faults.Add(order) }
