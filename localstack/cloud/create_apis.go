package cloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"hark/localstack/cloud/gateway"
	"hark/localstack/cloud/template"
)

// apiGateway is the principal of API Gateway in permissions.
const apiGateway = "apigateway.amazonaws.com"

// The resources of the template that together make a gateway.API.
type (
	apiResource struct {
		ProtocolType, RouteSelectionExpression string

		Name, Description, Tags json.RawMessage // without effect
	}
	stageResource struct {
		APIID                string `json:"ApiId"`
		StageName            string
		DefaultRouteSettings gateway.Throttle
		RouteSettings        map[string]gateway.Throttle

		// Without effect.
		AutoDeploy        json.RawMessage // every route is deployed
		Description, Tags json.RawMessage
	}
	routeResource struct {
		APIID             string `json:"ApiId"`
		RouteKey          string
		Target            string // integrations/{id}
		AuthorizationType string

		RouteResponseSelectionExpression string

		OperationName json.RawMessage // without effect
	}
	integrationResource struct {
		IntegrationType string
		IntegrationURI  string `json:"IntegrationUri"`

		APIID       json.RawMessage `json:"ApiId"` // the same as that of the route
		Description json.RawMessage // without effect
	}
)

func (c *Cloud) createAPIs() error {
	for _, res := range c.stack.OfType("AWS::ApiGatewayV2::Api") {
		if err := c.createAPI(res); err != nil {
			return fmt.Errorf("resource %s: %w", res.LogicalID, err)
		}
	}
	return nil
}

func (c *Cloud) createAPI(res template.Resource) error {
	var properties apiResource
	if err := res.Decode(&properties); err != nil {
		return err
	}
	if properties.ProtocolType != "WEBSOCKET" {
		return fmt.Errorf("the local cloud has WebSocket APIs only, not %s",
			properties.ProtocolType)
	}
	stage, err := c.stageOf(res.ID)
	if err != nil {
		return err
	}
	spec := gateway.API{
		ID:                       res.ID,
		Stage:                    stage.StageName,
		RouteSelectionExpression: properties.RouteSelectionExpression,
		DefaultRouteSettings:     stage.DefaultRouteSettings,
		Routes:                   make(map[string]gateway.Route),
	}
	for _, routeRes := range c.stack.OfType("AWS::ApiGatewayV2::Route") {
		var route routeResource
		if err := routeRes.Decode(&route); err != nil {
			return err
		}
		if route.APIID != res.ID {
			continue
		}
		if spec.Routes[route.RouteKey], err = c.route(route, stage); err != nil {
			return fmt.Errorf("route %s (%s): %w", route.RouteKey, routeRes.LogicalID, err)
		}
	}
	if err := c.gateway.Create(spec); err != nil {
		return err
	}
	host := fmt.Sprintf("%s.execute-api.%s.amazonaws.com", res.ID, c.opts.Region)
	c.hosts[host] = c.gateway.Socket(res.ID)
	return nil
}

// stageOf returns the stage of an API. The API must have exactly one.
func (c *Cloud) stageOf(api string) (stageResource, error) {
	var found []stageResource
	for _, res := range c.stack.OfType("AWS::ApiGatewayV2::Stage") {
		var stage stageResource
		if err := res.Decode(&stage); err != nil {
			return stageResource{}, err
		}
		if stage.APIID == api {
			found = append(found, stage)
		}
	}
	if len(found) != 1 {
		return stageResource{}, fmt.Errorf("the API has %d stages, the local cloud takes one",
			len(found))
	}
	return found[0], nil
}

// route joins a route with its integration, and checks that API Gateway may invoke the function. On
// AWS every event of the route would fail without that permission.
func (c *Cloud) route(route routeResource, stage stageResource) (gateway.Route, error) {
	if route.RouteResponseSelectionExpression != "" {
		return gateway.Route{}, errors.New(
			"the local cloud does not read RouteResponseSelectionExpression")
	}
	integration, err := c.integration(route.Target)
	if err != nil {
		return gateway.Route{}, err
	}
	out := gateway.Route{
		AuthorizationType: route.AuthorizationType,
		IntegrationType:   integration.IntegrationType, IntegrationURI: integration.IntegrationURI,
	}
	if throttle, ok := stage.RouteSettings[route.RouteKey]; ok {
		out.Throttle = &throttle
	}
	function := functionName(strings.TrimSuffix(integration.IntegrationURI, "/invocations"))
	source := fmt.Sprintf("arn:aws:execute-api:%s:%s:%s/%s/%s",
		c.opts.Region, c.opts.Account, route.APIID, stage.StageName, route.RouteKey)
	if !c.permissions.allowService(apiGateway, function, source) {
		return gateway.Route{}, fmt.Errorf("no AWS::Lambda::Permission lets %s invoke %s for it",
			apiGateway, function)
	}
	return out, nil
}

// integration returns the integration that a route's target names, as integrations/{id}.
func (c *Cloud) integration(target string) (integrationResource, error) {
	id, ok := strings.CutPrefix(target, "integrations/")
	for _, res := range c.stack.OfType("AWS::ApiGatewayV2::Integration") {
		if ok && res.ID == id {
			var integration integrationResource
			err := res.Decode(&integration)
			return integration, err
		}
	}
	return integrationResource{}, fmt.Errorf("its target %q is not an integration of the stack",
		target)
}
