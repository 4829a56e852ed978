package cloud

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Paths of the AWS port for what AWS serves under a host name of its own. LocalStack has the same
// paths.
const (
	apiPath         = "/_aws/execute-api/" // {api}/{stage}: WebSockets, and @connections
	functionURLPath = "/_aws/lambda-url/"  // {id}/...
)

// callbackVariable is the environment variable from which the SDKs take the address of
// @connections, which is that of a stage of a WebSocket API.
const callbackVariable = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"

// localize replaces the addresses of AWS in a function's variables with those of the AWS port: the
// address of @connections and the URLs of queues.
func (c *Cloud) localize(variables map[string]string) error {
	queues := fmt.Sprintf("https://sqs.%s.amazonaws.com/", c.opts.Region)
	for name, value := range variables {
		if name == callbackVariable {
			local, err := c.callback(value)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			variables[name] = local
			continue
		}
		variables[name] = strings.ReplaceAll(value, queues, c.opts.Endpoint+"/")
	}
	return nil
}

// callback returns the AWS port's address of a stage, given its address on AWS:
// https://{api}.execute-api.{region}.amazonaws.com/{stage}.
func (c *Cloud) callback(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("read the address: %w", err)
	}
	host := regexp.MustCompile(`^([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com$`)
	api := host.FindStringSubmatch(u.Host)
	if api == nil {
		return "", fmt.Errorf("%s is not the address of a stage of API Gateway", address)
	}
	return c.opts.Endpoint + apiPath + api[1] + strings.TrimSuffix(u.Path, "/"), nil
}
