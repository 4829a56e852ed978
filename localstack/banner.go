package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	texttemplate "text/template"
	"time"

	"hark/localstack/cloud/template"
)

// ready is what the command prints when both ports answer: a banner for people, or JSON for
// programs.
type ready struct {
	Listen string            `json:"listen"` // http://host:port of the public port
	AWS    string            `json:"aws"`    // http://host:port of the AWS port
	App    app               `json:"app"`    // the first app of the seed
	Tables map[string]string `json:"tables"` // names, by logical ID
	Queues map[string]string `json:"queues"` // URLs, by logical ID
	PID    int               `json:"pid"`

	took  time.Duration // since the start of the program
	table string        // the table that the banner's sample command scans
}

func newReady(stack *template.Stack, listen, aws string, a app, took time.Duration) ready {
	r := ready{
		Listen: listen, AWS: aws, App: a, PID: os.Getpid(), took: took,
		table:  stack.Outputs[stateTableOutput],
		Tables: make(map[string]string), Queues: make(map[string]string),
	}
	for _, cfnType := range []string{"AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"} {
		for _, res := range stack.OfType(cfnType) {
			r.Tables[res.LogicalID] = res.ID
		}
	}
	for _, res := range stack.OfType("AWS::SQS::Queue") {
		name := res.Attributes["QueueName"]
		r.Queues[res.LogicalID] = fmt.Sprintf("%s/%s/%s", aws, account, name)
	}
	return r
}

// writeJSON writes ready as one line of JSON.
func (r ready) writeJSON(w io.Writer) error { return json.NewEncoder(w).Encode(r) }

// banner is the template of the banner. Headings are bold on a terminal.
const banner = `{{bold "Hark's local cloud is ready"}} after {{.Seconds}} s. Ctrl-C stops it.

  clients and publishers  {{.Listen}}   /app/* is the stack's CloudFront; /apps, /up and
                          {{.Pad}}   /broadcasting have a host of their own on AWS
  AWS services            {{.AWS}}   what was used: {{.AWS}}/_hark/meter

{{bold "For the .env of a Laravel app"}}
BROADCAST_CONNECTION=reverb
REVERB_APP_ID={{.App.ID}}
REVERB_APP_KEY={{.App.Key}}
REVERB_APP_SECRET={{.App.Secret}}
REVERB_HOST={{.Host}}
REVERB_PORT={{.Port}}
REVERB_SCHEME=http
VITE_REVERB_APP_KEY="${REVERB_APP_KEY}"
VITE_REVERB_HOST="${REVERB_HOST}"
VITE_REVERB_PORT="${REVERB_PORT}"
VITE_REVERB_SCHEME="${REVERB_SCHEME}"

{{bold "Listen, in a page (npm install laravel-echo pusher-js)"}}
import Echo from 'laravel-echo';
import Pusher from 'pusher-js';

window.Pusher = Pusher;
window.Echo = new Echo({
    broadcaster: 'reverb',
    key: '{{.App.Key}}',
    wsHost: '{{.Host}}',
    wsPort: {{.Port}},
    wssPort: {{.Port}},
    forceTLS: false,
    enabledTransports: ['ws', 'wss'],
});
window.Echo.channel('news').listen('.headline', (event) => console.log(event.title));

{{bold "Publish"}} (the signature is valid for ten minutes; a new one: {{.NewCurl}})
{{.Curl}}

{{bold "Look inside"}} (any key will do)
AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1 \
  aws --endpoint-url {{.AWS}} dynamodb scan --table-name {{.Table}}
`

// writeBanner writes the banner. The signature of its curl command is made at now.
func (r ready) writeBanner(w io.Writer, now time.Time) error {
	terminal := isTerminal(w)
	bold := func(s string) string {
		if terminal {
			return "\x1b[1m" + s + "\x1b[0m"
		}
		return s
	}
	page, err := texttemplate.New("banner").Funcs(texttemplate.FuncMap{"bold": bold}).Parse(banner)
	if err != nil {
		return fmt.Errorf("banner: %w", err)
	}
	host, port, err := net.SplitHostPort(r.Listen[len("http://"):])
	if err != nil {
		return fmt.Errorf("banner: %w", err)
	}
	newCurl := "go run ./localstack -curl"
	if r.Listen != "http://"+defaultListen {
		newCurl += " -listen " + net.JoinHostPort(host, port)
	}
	err = page.Execute(w, struct {
		ready
		Host, Port, Seconds, Curl, NewCurl, Table, Pad string
	}{
		ready: r, Host: host, Port: port, Seconds: fmt.Sprintf("%.1f", r.took.Seconds()),
		Curl: curl(r.Listen, r.App, now), NewCurl: newCurl, Table: r.table,
		Pad: strings.Repeat(" ", len(r.Listen)),
	})
	if err != nil {
		return fmt.Errorf("banner: %w", err)
	}
	return nil
}
